import { describe, expect, it } from 'vitest';
import type { HostLoad } from '../../src/comparison/record.ts';
import { warningsOf } from '../../src/warnings.ts';
import { buildResult } from './result-fixture.ts';

const codes = (change: (result: ReturnType<typeof buildResult>) => void) => {
  const result = buildResult();
  change(result);
  return warningsOf(result).map((warning) => warning.code);
};

const ceiling = (ceilingPerSecond: number) => ({
  ceilingPerSecond,
  perCorePerSecond: ceilingPerSecond,
  latenessP50Us: 40,
  latenessP99Us: 200,
  latenessCpuCores: 0.1,
  measuredAt: '2026-11-20T21:00:00.000Z',
});

/** Twenty minutes with so many checkpoints. */
const long = (checkpoints: number) =>
  codes((result) => Object.assign(result.blocks.at(-1)!, { outcome: 'complete', measuredMs: 1_200_000, checkpoints }));

function disturbanceAt(host: HostLoad): string | undefined {
  const result = buildResult();
  result.blocks.at(-1)!.host = host;
  return warningsOf(result).find(({ code }) => code === 'disturbed')?.message;
}

describe('warningsOf', () => {
  it('says nothing about a full-size minute with a punctual generator', () =>
    expect(
      codes((result) => {
        for (const block of result.blocks) Object.assign(block, { outcome: 'complete', measuredMs: 60_000 });
      }),
    ).toEqual([]));

  it('doubts a small scale', () => expect(codes((result) => (result.seed!.scale = 0.1))).toContain('small-scale'));

  it('doubts stages of which only one parses its statements whenever it sends them', () => {
    const pooler = { version: '1.18.0', poolSize: 20, prepared: false };
    const withPooler = (stages: number[], prepared?: boolean) =>
      codes((result) => {
        for (const at of stages) result.stages.at(at)!.topology = { pooler };
        if (prepared !== undefined) result.load.prepared = prepared;
      }).filter((code) => code === 'prepared-elsewhere');
    expect(withPooler([-1])).toHaveLength(1);
    expect(withPooler([-1], false)).toEqual([]);
    expect(withPooler([0, 1])).toEqual([]);
  });

  it('doubts a short block', () =>
    expect(
      codes((result) => Object.assign(result.blocks.at(-1)!, { outcome: 'complete', measuredMs: 5_000 })),
    ).toContain('short'));

  it('doubts a long run with hardly a checkpoint', () => {
    expect(long(1)).toContain('few-checkpoints');
    expect(long(2)).not.toContain('few-checkpoints');
  });

  it('doubts a late generator', () =>
    expect(codes((result) => (result.blocks.at(-1)!.generator.lateness.p99Us = 4_000))).toContain('late-generator'));

  it('tells who kept idle cores awake to do without that first', () => {
    const result = buildResult();
    result.blocks.at(-1)!.generator.lateness.p99Us = 4_000;
    const advice = () => warningsOf(result).find(({ code }) => code === 'late-generator')!.advice;
    expect(advice()).not.toContain('--keep-cores-awake');
    result.load.keepCoresAwake = true;
    expect(advice()).toContain('Leave out --keep-cores-awake');
  });

  it('tells of a block that was driven again because the generator was late', () => {
    const discarded = { stage: 'after', startedAt: '2026-11-20T21:00:00.000Z', latenessP99Us: 103_000, p95Us: 96_000 };
    const result = buildResult();
    result.discarded = [{ ...discarded, missed: 59, scheduled: 1000 }];
    const found = warningsOf(result).find(({ code }) => code === 'discarded')!;
    expect(found.stage).toBe('after');
    expect(found.message).toMatch(/rehearsed twice.*late by 103 ms at p99.*p95 96 ms, 5.9 % missed the limit\)\.$/);
    result.discarded[0]!.host = { stealShare: 0.01, foreignCores: 1.26 };
    expect(warningsOf(result).find(({ code }) => code === 'discarded')!.message).toMatch(
      /missed the limit\)\. Meanwhile other processes used 1\.3 cores\.$/,
    );
  });

  it('doubts a block beside which the machine worked for others', () => {
    expect(disturbanceAt({ stealShare: 0.05, foreignCores: 0.25 })).toBeUndefined();
    expect(disturbanceAt({ stealShare: 0.06, foreignCores: 0.3 })).toBe(
      'While after was measured, the hypervisor gave 6 % of the time of all cores to others and other processes used 0.3 cores.',
    );
  });

  it('doubts a rate above a tenth of what the generator can do', () => {
    expect(codes((result) => (result.generator = ceiling(9_000)))).toContain('near-ceiling');
    expect(codes((result) => (result.generator = ceiling(11_000)))).not.toContain('near-ceiling');
  });

  it('counts the ceiling for each worker', () =>
    expect(
      codes((result) => {
        result.generator = ceiling(6_000);
        for (const { generator } of result.blocks) generator.workers = 2;
      }),
    ).not.toContain('near-ceiling'));
});
