import { describe, expect, it } from 'vitest';
import { ExitCode } from '../../src/errors.ts';
import type { Gate, RunResult } from '../../src/result.ts';
import { judge } from '../../src/verdict.ts';
import { obstacleToPairs } from '../../src/verdict/typical.ts';
import { buildComparison, comparedResult, type ComparisonShape } from './comparison-fixture.ts';
import { buildResult, calmAfter, saturatedBefore } from './result-fixture.ts';

function gateOf(result: RunResult, name: Gate['name'], transaction?: string): Gate {
  return judge(result).gates.find((gate) => gate.name === name && gate.transaction === transaction)!;
}

const typical = (shape: ComparisonShape, transaction?: string): Gate =>
  gateOf(comparedResult(shape), 'typical-p95', transaction);

const spoilt = (share: number): ComparisonShape => ({
  spoil: (block, { number }) => {
    if (number % Math.round(1 / share) === 2) block.host = { stealShare: 0.2, foreignCores: 0 };
  },
});

function withWork(afterBlocks: number, maxWork?: number, twinBlocks = 1000): RunResult {
  const result = comparedResult();
  const counters = {
    runs: 100,
    calls: 100,
    tempBlocks: 0,
    walRecords: 300,
    walBytes: 9000,
    rows: 100,
    executionMs: 9,
  };
  result.comparison = {
    ...buildComparison(),
    work: [
      { transaction: 'read', side: 'before', blocks: 1000, ...counters },
      { transaction: 'read', side: 'twin', blocks: twinBlocks, ...counters },
      { transaction: 'read', side: 'after', blocks: afterBlocks, ...counters },
    ],
    statementPlans: [
      { transaction: 'read', statement: 'find', side: 'before', shape: 'Index Scan(a)' },
      { transaction: 'read', statement: 'find', side: 'after', shape: 'Seq Scan(t)' },
    ],
  };
  if (maxWork !== undefined) result.gate = { maxRegression: 0.1, maxWork };
  return result;
}

describe('the gate of the typical p95', () => {
  it.each([
    ['passes stages that do not differ', {}, 'pass', 'not worse'],
    ['fails a planted 1.5x', { change: 1.5 }, 'fail', 'a regression is proved'],
    ['passes an improvement, and says so', { change: 0.6 }, 'pass', 'improved'],
    ['leaves open what lies at the margin', { change: 1.1 }, 'inconclusive', 'not decided'],
    ['forgives what is less than a millisecond', { change: 1.5, beforeP95Us: 1500 }, 'pass', 'not worse'],
    ['cannot decide where equal clones differ', { same: 1.4 }, 'inconclusive', 'already differ by'],
    ['cannot decide where equal clones scatter', { scatter: 0.6 }, 'inconclusive', 'scatter by'],
  ] as const)('%s', (_, shape, outcome, says) => {
    const gate = typical(shape);
    expect(gate).toMatchObject({ outcome });
    expect(gate.reason).toContain(says);
  });

  it('is exactly 1 for identical blocks', () => {
    const { estimate, outcome } = typical({ scatter: 0 });
    expect(outcome).toBe('pass');
    expect(estimate).toMatchObject({ value: 1, low: 1, high: 1, unit: 'ratio' });
    expect(estimate!.margin).toBeCloseTo(1.1, 12);
  });

  it('tells the interval, the margin, what it could have seen and the sign-flip test', () => {
    const { estimate } = typical({ change: 1.5 });
    expect(estimate!.low).toBeGreaterThan(estimate!.margin);
    expect(estimate!.value).toBeGreaterThan(1.3);
    expect(estimate!.detectable).toBeGreaterThan(estimate!.margin);
    expect(estimate!.signFlipPValue).toBeLessThan(0.01);
    expect(typical({}).estimate!.signFlipPValue).toBeGreaterThan(0.5);
  });

  it('makes the exit code', () => {
    expect(judge(comparedResult({ change: 1.5 })).exitCode).toBe(ExitCode.gateFailed);
    expect(judge(comparedResult({ change: 1.1 })).exitCode).toBe(ExitCode.inconclusive);
    expect(judge(comparedResult()).exitCode).toBe(ExitCode.pass);
  });

  it('fails for one transaction that got slower although all together did not', () => {
    const result = comparedResult({ byTransaction: { write: 1.6 } });
    expect(gateOf(result, 'typical-p95')).toMatchObject({ outcome: 'pass' });
    expect(gateOf(result, 'typical-p95', 'write')).toMatchObject({ outcome: 'fail' });
    expect(judge(result)).toMatchObject({ outcome: 'fail', exitCode: ExitCode.gateFailed });
    expect(judge(result).reason).toContain('p95 of write');
  });

  it('says nothing about a transaction with too few samples', () => {
    expect(gateOf(comparedResult(), 'typical-p95', 'rare')).toBeUndefined();
  });

  it('does not decide by a transaction that is not decided', () => {
    const result = comparedResult({ byTransaction: { write: 1.12 } });
    expect(gateOf(result, 'typical-p95', 'write')).toMatchObject({ advisory: true });
    expect(judge(result).outcome).toBe('pass');
  });

  it('counts for nothing where an answer in a pair was wrong', () => {
    const result = comparedResult({
      spoil: (block, { number, kind }) => {
        if (number === 5 && kind === 'change') block.transactions[0]!.wrong = 1;
      },
    });
    expect(gateOf(result, 'correctness').reason).toMatch(/^read was answered wrongly in pair 5/);
    expect(judge(result).exitCode).toBe(ExitCode.correctness);
  });

  it('is without pairs where "before" saturates', () => {
    const result = { ...buildResult([saturatedBefore, calmAfter]), gate: { maxRegression: 0.1 } };
    expect(gateOf(result, 'typical-p95')).toMatchObject({ outcome: 'pass' });
    expect(obstacleToPairs(result)).toBe('before cannot hold the rate');
    expect(obstacleToPairs(comparedResult())).toBeUndefined();
  });
});

describe('throwing pairs away', () => {
  it('goes by the host alone, and tells the verdict with them too', () => {
    const gate = typical(spoilt(0.1));
    expect(gate.outcome).toBe('pass');
    expect(gate.reason).toMatch(/[1-9] pairs? thrown away; with them: pass/);
  });

  it('decides nothing when it happens too often', () => {
    expect(typical(spoilt(0.33))).toMatchObject({ outcome: 'inconclusive' });
    expect(typical(spoilt(0.33)).reason).toContain('the hypervisor gave time to others');
  });

  it('makes a comparison that was cut short inconclusive', () => {
    const result = comparedResult();
    result.comparison!.pairs.length = 20;
    expect(judge(result).outcome).not.toBe('pass');
  });
});

describe('the gate of stalls', () => {
  it('fails stalls that the typical p95 cannot see', () => {
    const result = comparedResult({ slow: { after: 0.5 } });
    expect(gateOf(result, 'typical-p95').outcome).toBe('pass');
    expect(gateOf(result, 'stalls')).toMatchObject({ outcome: 'fail', stage: 'after' });
    expect(judge(result).exitCode).toBe(ExitCode.gateFailed);
  });

  it('passes stalls that both sides have', () => {
    expect(gateOf(comparedResult({ slow: { before: 0.3, twin: 0.3, after: 0.3 } }), 'stalls').outcome).toBe('pass');
  });
});

describe('the gate of work', () => {
  it.each([
    ['more work', 2000, 'fail', 'more work: read 10.0 to 20.0 blocks a run; 1 plan changed'],
    ['the same within 2 %', 1015, 'pass', 'the same work'],
    ['less work', 500, 'pass', 'less work: read 10.0 to 5.0 blocks a run'],
  ])('sees %s', (_, blocks, outcome, says) => {
    const gate = gateOf(withWork(blocks), 'work');
    expect(gate.outcome).toBe(outcome);
    expect(gate.reason).toContain(says);
  });

  it('sees no change in what equal clones differ by as well', () => {
    expect(gateOf(withWork(1090, undefined, 1100), 'work')).toMatchObject({ outcome: 'pass' });
    expect(gateOf(withWork(1170, undefined, 1100), 'work').reason).toContain(
      'more work: read 10.5 to 11.7 blocks a run',
    );
    expect(gateOf(withWork(930, undefined, 1100), 'work').reason).toContain('less work: read 10.5 to 9.3 blocks a run');
  });

  it('is evidence by default, and decides where it is asked', () => {
    expect(judge(withWork(2000)).outcome).toBe('pass');
    expect(judge(withWork(2000, 0.5)).outcome).toBe('fail');
    expect(judge(withWork(2000, 1.5)).outcome).toBe('pass');
  });
});
