import { describe, expect, it } from 'vitest';
import { assessClaims } from '../../src/claims.ts';
import type { RunResult } from '../../src/result.ts';
import type { ClaimSpec } from '../../src/scenario.ts';
import { buildResult } from './result-fixture.ts';

type Measure = ClaimSpec['measure'];
const latency = (transaction: string, time: 'response' | 'service' = 'response'): Measure => ({
  kind: 'latency',
  transaction,
  statistic: 'p95',
  time,
});

function assess(stage: string, measure: Measure, range: Pick<ClaimSpec, 'atLeast' | 'atMost'>, result = buildResult()) {
  return assessClaims([{ text: 'a promise', source: 'document:1', stage, measure, ...range }], result)[0]!;
}

/** A result whose dashboard ran into the statement timeout. */
function cut(): RunResult {
  const result = buildResult();
  const dashboard = result.blocks[0]!.transactions.find(({ name }) => name === 'dashboard')!;
  dashboard.service.p95Us = 5_000_000;
  dashboard.counts.timedOut = dashboard.counts.unfinished;
  dashboard.counts.unfinished = 0;
  return result;
}

describe('assessClaims', () => {
  it.each<[string, string, Measure, Pick<ClaimSpec, 'atLeast' | 'atMost'>, object]>([
    ['a latency in range', 'after', latency('dashboard'), { atMost: 1000 }, { outcome: 'met' }],
    [
      'a latency above',
      'after',
      latency('dashboard'),
      { atMost: 5 },
      { outcome: 'not met', note: 'slower than promised' },
    ],
    [
      'a latency below',
      'after',
      latency('dashboard'),
      { atLeast: 50 },
      { outcome: 'not met', note: 'faster than promised' },
    ],
    [
      'the latency of all together',
      'after',
      { kind: 'latency', statistic: 'p95', time: 'response' },
      { atMost: 1000 },
      { outcome: 'met', measured: buildResult().blocks.at(-1)!.total.response.p95Us / 1000 },
    ],
    ['a rate', 'after', { kind: 'heldRate' }, { atLeast: 200 }, { outcome: 'met', note: 'no more was offered' }],
    ['a rate that may be higher', 'after', { kind: 'heldRate' }, { atMost: 2000 }, { outcome: 'not measured' }],
    [
      'the rate of a saturated stage',
      'before',
      { kind: 'heldRate' },
      { atLeast: 2, atMost: 3 },
      { outcome: 'not met', measured: 14.2 },
    ],
    ['a size', 'after', { kind: 'databaseBytes' }, { atMost: 8e9 }, { outcome: 'met' }],
    [
      'a size above',
      'after',
      { kind: 'databaseBytes' },
      { atMost: 7e9 },
      { outcome: 'not met', note: 'larger than promised' },
    ],
    [
      'another stage',
      'middle',
      { kind: 'databaseBytes' },
      { atMost: 1 },
      { outcome: 'not measured', note: 'the stage was not run' },
    ],
    [
      'another transaction',
      'after',
      latency('export'),
      { atMost: 1 },
      { outcome: 'not measured', note: 'it did not occur' },
    ],
  ])('%s', (_, stage, measure, range, expected) => {
    expect(assess(stage, measure, range)).toMatchObject(expected);
  });

  it.each<[string, Measure, Pick<ClaimSpec, 'atLeast' | 'atMost'>, object]>([
    [
      'rows of a table',
      { kind: 'rows', table: 'orders' },
      { atLeast: 90, atMost: 110 },
      { outcome: 'met', measured: 100 },
    ],
    [
      'a part of a table',
      { kind: 'relationBytes', table: 'orders', part: 'indexes' },
      { atMost: 2 },
      { outcome: 'not met', measured: 3, note: 'larger than promised' },
    ],
    ['no table', { kind: 'rows', table: 'carts' }, {}, { outcome: 'not measured', note: 'there is no such table' }],
    ['a reading', { kind: 'reading', reading: 'age', unit: 's' }, { atMost: 300 }, { outcome: 'met', measured: 7 }],
    [
      'a reading that failed',
      { kind: 'reading', reading: 'broken', unit: 's' },
      { atMost: 300 },
      { outcome: 'not measured', note: 'no such view' },
    ],
    ['timeouts', { kind: 'timeouts' }, { atMost: 0 }, { outcome: 'met', measured: 0 }],
    ['what nothing measures', { kind: 'none', reason: 'no host' }, {}, { outcome: 'not measured', note: 'no host' }],
  ])('%s', (_, measure, range, expected) => {
    const result = buildResult();
    result.stages[1]!.relations = [{ table: 'orders', rows: 100, heapBytes: 5, indexBytes: 3, totalBytes: 8 }];
    const reading = { stage: 'after', description: '', unit: 's' } as const;
    result.readings = [
      { ...reading, name: 'age', value: 7 },
      { ...reading, name: 'broken', error: 'no such view' },
    ];
    expect(assess('after', measure, range, result)).toMatchObject(expected);
  });

  it.each([
    ['in range', 0, 0, { outcome: 'met', measured: 800 }],
    ['cut short', 1, 0, { outcome: 'not measured', note: 'at least: the statement timeout ended 1 of 4 runs' }],
    ['failed', 0, 2, { outcome: 'not measured', note: '2 runs of 4 failed' }],
  ])('a single query by the probe alone: %s', (_, timedOut, failed, expected) => {
    const probe: Measure = { kind: 'probe', transaction: 'dashboard', statistic: 'p50', class: 'hot' };
    const claim = (measure: Measure) => ({ text: '', source: '', stage: 'after', measure, atMost: 1000 });
    const times = { minUs: 1, meanUs: 1, p50Us: 800_000, p95Us: 1, maxUs: 1 };
    const result = buildResult();
    expect(assessClaims([claim(probe)], result)).toEqual([]);
    result.probe = [
      { stage: 'after', transaction: 'dashboard', class: 'hot', runs: 4, parameterSets: 4, ...times, timedOut, failed },
    ];
    expect(assessClaims([claim(probe), claim(latency('dashboard'))], result)).toMatchObject([expected]);
  });

  it('measures a class of parameters', () => {
    const hot = assess(
      'after',
      { kind: 'latency', transaction: 'dashboard', statistic: 'p50', time: 'service', class: 'hot' },
      {},
    );
    expect(hot).toMatchObject({ measured: 7.8, outcome: 'met' });
    const none = assess(
      'after',
      { kind: 'latency', transaction: 'dashboard', statistic: 'p50', time: 'service', class: 'cold' },
      {},
    );
    expect(none.outcome).toBe('not measured');
  });

  describe('what was cut short is a lower bound', () => {
    it.each<[string, Pick<ClaimSpec, 'atLeast' | 'atMost'>, string]>([
      ['below the promise: nobody knows', { atLeast: 50_000, atMost: 300_000 }, 'not measured'],
      ['within the promise: it may have left it', { atLeast: 1000, atMost: 300_000 }, 'not measured'],
      ['above the promise', { atMost: 1000 }, 'not met'],
      ['above an open promise', { atLeast: 1000 }, 'met'],
    ])('%s', (_, range, outcome) => {
      const claim = assess('before', latency('dashboard', 'service'), range, cut());
      expect(claim).toMatchObject({ outcome, measured: 5000 });
      if (outcome !== 'not met') expect(claim.note).toMatch(/^at least: .* cut short$/);
    });

    it('so is the response time of a saturated stage', () => {
      expect(assess('before', latency('dashboard'), { atMost: 60_000 })).toMatchObject({
        outcome: 'not measured',
        note: 'at least: the stage was saturated and its queue still growing',
      });
    });
  });

  it('counts the rate that was asked for as held where every arrival that was drawn succeeded', () => {
    const result = buildResult();
    const { counts } = result.blocks.at(-1)!;
    counts.scheduled = counts.succeeded = 59_883;
    const all = () => assess('after', { kind: 'heldRate' }, { atLeast: 1000 }, result);
    expect(all()).toMatchObject({ outcome: 'met', measured: 1000 });
    counts.scheduled++;
    expect(all()).toMatchObject({ outcome: 'not measured', note: 'no more was offered' });
    expect(all().measured).toBeLessThan(1000);
  });

  it('says nothing about promises for the full size at a smaller scale', () => {
    const result = buildResult();
    result.seed!.scale = 0.01;
    expect(assess('after', latency('dashboard'), { atMost: 1000 }, result)).toMatchObject({
      outcome: 'not measured',
      note: 'measured at scale 0.01; the promise is about the full size',
    });
  });
});
