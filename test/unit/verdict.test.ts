import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExitCode } from '../../src/errors.ts';
import type { Block, Gate, RunResult } from '../../src/result.ts';
import { judge } from '../../src/verdict.ts';
import { buildResult, calmAfter, percentiles, saturatedBefore } from './result-fixture.ts';
import type { StageBehaviour } from './result-fixture.ts';

function gateOf(result: RunResult, name: Gate['name']): Gate {
  return judge(result).gates.find((gate) => gate.name === name)!;
}

function after(change: Partial<StageBehaviour>): RunResult {
  return buildResult([saturatedBefore, { ...calmAfter, ...change }]);
}

/** The fixture's result after a change in place. */
function changed(change: (result: RunResult) => void): RunResult {
  const result = buildResult();
  change(result);
  return result;
}

function lastBlock(result: RunResult): Block {
  return result.blocks.at(-1)!;
}

const invalid = (result: RunResult) => void (result.host.cores = 0);
const incorrect = (result: RunResult) => void (result.answers[0]!.different = 3);
const uncompared = (result: RunResult) => void Object.assign(result.answers[0]!, { compared: 0, unanswered: 200 });
const broken = (result: RunResult) => void (result.invariants[0]!.holds = false);
const unasked = (result: RunResult) => void (result.invariants = []);
/** A check of the scenario refused an answer under load. */
const wrong = (result: RunResult) => {
  lastBlock(result).transactions[0]!.errors['WRONG_ANSWER'] = { count: 2, example: 'GET /items/7: {"id":8}' };
};
const slow = (result: RunResult) => void (result.blocks[1] = after({ missShare: () => 0.2 }).blocks[1]!);
const unfinished = (result: RunResult) => void (result.status = 'interrupted');

describe('judge', () => {
  it('passes a sound run whose last stage holds the SLO, although the first one could not', () => {
    const verdict = judge(buildResult());
    expect(verdict).toMatchObject({ outcome: 'pass', exitCode: ExitCode.pass });
    expect(verdict.gates.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['validity', 'pass'],
      ['correctness', 'pass'],
      ['slo', 'pass'],
    ]);
    expect(verdict.reason).toContain('"after" holds p95 < 50 ms at 1,000/s');
  });

  it('depends on the result only', () => {
    expect(judge(buildResult())).toEqual(judge(buildResult()));
  });

  it.each([
    ['differing answers above all', [incorrect, invalid, slow, unfinished], 'fail', ExitCode.correctness],
    ['a broken invariant above an invalid measurement', [broken, invalid], 'fail', ExitCode.correctness],
    ['wrong answers under load above an invalid measurement', [wrong, invalid], 'fail', ExitCode.correctness],
    ['correctness above a missed SLO', [incorrect, slow], 'fail', ExitCode.correctness],
    ['correctness above missing evidence', [incorrect, unfinished], 'fail', ExitCode.correctness],
    ['invalid above a missed SLO', [invalid, slow], 'invalid', ExitCode.invalid],
    ['invalid above missing evidence', [invalid, unfinished], 'invalid', ExitCode.invalid],
    ['answers that nobody could compare below invalid', [uncompared, invalid], 'invalid', ExitCode.invalid],
    ['invariants that nobody asked as no fault', [unasked], 'pass', ExitCode.pass],
    ['then the SLO', [slow], 'fail', ExitCode.gateFailed],
    ['inconclusive above pass', [unfinished], 'inconclusive', ExitCode.inconclusive],
    ['an unfinished run cannot miss the SLO', [slow, unfinished], 'inconclusive', ExitCode.inconclusive],
  ] as const)('ranks %s', (_, changes, outcome, exitCode) => {
    const result = buildResult();
    for (const change of changes) change(result);
    expect(judge(result)).toMatchObject({ outcome, exitCode });
  });
});

describe('the SLO gate', () => {
  it.each<[string, Partial<StageBehaviour>, Gate['outcome'], RegExp]>([
    ['clearly below the margin', { missShare: () => 0.03 }, 'pass', /holds p95 < 50 ms.*3 % of/],
    ['clearly above the margin', { missShare: () => 0.08 }, 'fail', /misses p95 < 50 ms.*8 % of/],
    ['on the margin', { missShare: () => 0.05 }, 'inconclusive', /may or may not hold.*A longer run/],
    ['bursts around the margin', { missShare: (s) => (s % 20 < 2 ? 0.5 : 0.002) }, 'inconclusive', /may or may not/],
    ['five seconds, however good', { seconds: 5, missShare: () => 0 }, 'inconclusive', /5 seconds of load are too few/],
    ['five seconds, however bad', { seconds: 5, missShare: () => 1 }, 'inconclusive', /too few/],
    [
      'saturated',
      { ...saturatedBefore, stage: 'after' },
      'fail',
      /could not hold 1,000\/s: it served 14.2\/s; 9 s into the load/,
    ],
  ])('%s', (_, change, outcome, reason) => {
    const gate = gateOf(after(change), 'slo');
    expect(gate).toMatchObject({ outcome, stage: 'after' });
    expect(gate.reason).toMatch(reason);
  });

  it('keeps estimate, interval and margin', () => {
    const { estimate } = gateOf(buildResult(), 'slo');
    expect(estimate).toMatchObject({ margin: 0.05, unit: 'share' });
    expect(estimate!.low).toBeLessThan(estimate!.value);
    expect(estimate!.high).toBeGreaterThan(estimate!.value);
  });

  it('allows 1 % of misses for a p99', () => {
    const result = after({ missShare: () => 0.03 });
    result.slo = { percentile: 99, limitMs: 50 };
    expect(gateOf(result, 'slo')).toMatchObject({ outcome: 'fail', estimate: { margin: 0.01 } });
  });

  it('judges the only stage of a run with one stage', () => {
    expect(judge(buildResult([calmAfter]))).toMatchObject({ outcome: 'pass' });
    expect(judge(buildResult([saturatedBefore]))).toMatchObject({ outcome: 'fail', exitCode: ExitCode.gateFailed });
  });
});

describe('the validity gate', () => {
  it.each<[string, (result: RunResult) => void, RegExp]>([
    [
      'the generator was late',
      (r) => void (lastBlock(r).generator.lateness.p99Us = 5000),
      /late in block after-1: p99 5 ms/,
    ],
    [
      'the generator skipped arrivals',
      (r) => void (lastBlock(r).generator.lateness.count = Math.floor(lastBlock(r).counts.scheduled * 0.994)),
      /dealt with 99.4 % of the arrivals/,
    ],
    [
      'less was offered than asked for',
      (r) => void (lastBlock(r).ratePerSecond = 1100),
      /offered 1,003\/s instead of 1,100\/s/,
    ],
    ['outcomes do not add up', (r) => void lastBlock(r).counts.succeeded--, /outcomes of block after-1 do not add up/],
    ['misses do not add up', (r) => void lastBlock(r).missed++, /misses over time of block after-1/],
    ['seconds are missing', (r) => void lastBlock(r).timeline.pop(), /arrivals over time of block after-1/],
    [
      'a transaction never occurred',
      (r) => void r.scenario.transactions.push({ name: 'export', description: '', weight: 1, access: 'write' }),
      /transaction export never occurred in stage after/,
    ],
    [
      'rows were lost',
      (r) => void r.stages[1]!.relations[0]!.rows--,
      /delivery_attempts has 5,599,999 rows in stage after/,
    ],
    ['the server is unknown', (r) => void (r.server.version = ''), /not recorded: PostgreSQL's version/],
  ])('is invalid when %s', (_, change, reason) => {
    const result = changed(change);
    expect(judge(result)).toMatchObject({ outcome: 'invalid', exitCode: ExitCode.invalid });
    expect(judge(result).reason).toMatch(reason);
  });

  it('accepts a late generator where the server was overloaded anyway', () => {
    const late = changed((r) => void (r.blocks[0]!.generator.lateness.p99Us = 80_000));
    expect(gateOf(late, 'validity').outcome).toBe('pass');
    // ... but not where its lateness is a good part of the response time.
    const bottleneck = changed(
      ({ blocks: [first] }) => void (first!.generator.lateness.p99Us = first!.total.response.p95Us / 10),
    );
    expect(gateOf(bottleneck, 'validity').outcome).toBe('invalid');
  });

  it.each<[string, string, number, number, number, string]>([
    ['the service alone misses the SLO', 'p95 < 50 ms', 95, 50_001, 0, 'pass'],
    ['the service alone meets it', 'p95 < 50 ms', 95, 50_000, 0, 'invalid'],
    ['the wait for a connection alone misses it', 'p95 < 50 ms', 95, 1000, 50_001, 'pass'],
    ['only a higher percentile than is known could miss it', 'p99.9 < 50 ms', 99.9, 50_001, 0, 'invalid'],
  ])('judges a late generator where %s (%s): %s', (_, _slo, percentile, serviceP95Us, poolP95Us, outcome) => {
    const result = changed((r) => void (r.slo.percentile = percentile));
    const block = result.blocks[1]!;
    block.generator.lateness.p99Us = 80_000;
    block.total.service = { ...block.total.service, p95Us: serviceP95Us, p99Us: 49_000 };
    block.total.response = { ...block.total.response, p95Us: 1_000_000, p99Us: 2_000_000 };
    const { service } = block.total;
    block.pool = {
      max: 16,
      min: 16,
      exhausted: 0,
      opened: 0,
      wait: { ...service, p95Us: poolP95Us },
      utilisation: 0.1,
      busiest: 16,
      timedOut: 0,
    };
    expect(gateOf(result, 'validity').outcome).toBe(outcome);
  });

  it('does not ask a table that a stage no longer has', () => {
    const result = changed((r) => void r.stages[1]!.relations.shift());
    expect(gateOf(result, 'validity').outcome).toBe('pass');
  });

  it.each<[string, (result: RunResult) => void, RegExp]>([
    ['still running', (r) => void (r.status = 'running'), /did not finish \(running\)/],
    ['failed', (r) => void (r.status = 'failed'), /did not finish \(failed\)/],
    ['without the first stage', (r) => void r.blocks.shift(), /stage before was not measured/],
    ['without the last stage', (r) => void r.blocks.pop(), /stage after was not measured/],
    ['without stages', (r) => void ((r.stages = []), (r.blocks = [])), /no stage was run/],
    ['interrupted in a block', (r) => void (lastBlock(r).outcome = 'interrupted'), /stage after was interrupted/],
    ['without an arrival', (r) => void (r.blocks[1] = emptied(r.blocks[1]!)), /stage after was not measured/],
  ])('is inconclusive when the run is %s', (_, change, reason) => {
    const result = changed(change);
    expect(judge(result)).toMatchObject({ outcome: 'inconclusive', exitCode: ExitCode.inconclusive });
    expect(gateOf(result, 'validity').reason).toMatch(reason);
  });
});

function emptied(block: Block): Block {
  return {
    ...block,
    outcome: 'interrupted',
    counts: { scheduled: 0, succeeded: 0, failed: 0, timedOut: 0, unfinished: 0 },
    missed: 0,
    timeline: [],
    transactions: [],
    generator: { ...block.generator, lateness: percentiles(0, 0, 0) },
  };
}

describe('the correctness gate', () => {
  it.each<[string, (result: RunResult) => void, Gate['outcome'], RegExp]>([
    [
      'answers differ',
      (r) => void (r.answers[1]!.different = 3),
      'fail',
      /event_list answers differently in stage after for 3 of 200 parameter sets/,
    ],
    [
      'an answer under load is wrong',
      wrong,
      'fail',
      /answered wrongly in stage after: 2 of [\d,]+ answers, as GET \/items/,
    ],
    [
      'an invariant is broken',
      (r) => void (r.invariants[3]!.holds = false),
      'fail',
      /invariant attempts_have_events is broken in stage after \(loaded\)/,
    ],
    ['a read was not compared', (r) => void r.answers.pop(), 'inconclusive', /no answer of endpoint_deliveries/],
    [
      'a read was never answered',
      (r) => void Object.assign(r.answers[0]!, { compared: 0, unanswered: 200 }),
      'inconclusive',
      /no answer of dashboard could be compared/,
    ],
    [
      'a difference is declared',
      (r) => void Object.assign(r.answers[0]!, { compared: 0, unanswered: 0, declared: 'refreshed every 5 minutes' }),
      'pass',
      /1,000 answers compared/,
    ],
    ['some answers came too late', (r) => void (r.answers[0]!.unanswered = 190), 'pass', /all equal/],
  ])('when %s', (_, change, outcome, reason) => {
    const gate = gateOf(changed(change), 'correctness');
    expect(gate.outcome).toBe(outcome);
    expect(gate.reason).toMatch(reason);
  });

  it('names three faults and counts the rest', () => {
    const result = changed((r) => r.answers.forEach((answer) => (answer.different = 1)));
    expect(gateOf(result, 'correctness').reason).toMatch(/; and 3 more\.$/);
  });
});

it('never passes a result with any one part missing', () => {
  const parts: ((result: RunResult) => void)[] = [
    (r) => void (r.status = 'interrupted'),
    (r) => void (r.blocks = []),
    (r) => void r.blocks.pop(),
    (r) => void r.blocks.shift(),
    (r) => void (r.answers = []),
    (r) => void (lastBlock(r).timeline = []),
    (r) => void (lastBlock(r).transactions = []),
    (r) => void (lastBlock(r).counts.scheduled = 0),
    (r) => void (r.tool.version = ''),
  ];
  fc.assert(
    fc.property(fc.subarray(parts, { minLength: 1 }), (missing) => {
      const result = changed((r) => missing.forEach((remove) => r.blocks.length >= 2 && remove(r)));
      expect(judge(result).outcome).not.toBe('pass');
      expect(judge(result).exitCode).not.toBe(0);
    }),
    { numRuns: 60 },
  );
});
