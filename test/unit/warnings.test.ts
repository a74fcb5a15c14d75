import { describe, expect, it } from 'vitest';
import { warningsOf } from '../../src/warnings.ts';
import { buildResult } from './result-fixture.ts';

const codes = (change: (result: ReturnType<typeof buildResult>) => void) => {
  const result = buildResult();
  change(result);
  return warningsOf(result).map((warning) => warning.code);
};

describe('warningsOf', () => {
  it('says nothing about a full-size minute with a punctual generator', () =>
    expect(
      codes((result) => {
        for (const block of result.blocks) Object.assign(block, { outcome: 'complete', measuredMs: 60_000 });
      }),
    ).toEqual([]));

  it('doubts a small scale', () => expect(codes((result) => (result.seed!.scale = 0.1))).toContain('small-scale'));

  it('doubts a short block', () =>
    expect(
      codes((result) => Object.assign(result.blocks.at(-1)!, { outcome: 'complete', measuredMs: 5_000 })),
    ).toContain('short'));

  it('doubts a late generator', () =>
    expect(codes((result) => (result.blocks.at(-1)!.generator.lateness.p99Us = 4_000))).toContain('late-generator'));
});
