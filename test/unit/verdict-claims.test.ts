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

  it('says nothing about promises for the full size at a smaller scale', () => {
    const result = buildResult();
    result.seed!.scale = 0.01;
    expect(assess('after', latency('dashboard'), { atMost: 1000 }, result)).toMatchObject({
      outcome: 'not measured',
      note: 'measured at scale 0.01; the promise is about the full size',
    });
  });
});
