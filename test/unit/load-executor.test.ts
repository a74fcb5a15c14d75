import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { errorCode } from '../../src/load/client.ts';
import { planTransactions, PostgresExecutor, stageNamed } from '../../src/load/executor.ts';
import type { Connection } from '../../src/load/executor.ts';
import { createSamples, Fate } from '../../src/load/samples.ts';
import type { Draw, ScenarioSpec, TransactionSpec } from '../../src/scenario.ts';

const transaction = (changes: Partial<TransactionSpec> = {}): TransactionSpec => ({
  description: '',
  weight: 1,
  access: 'read',
  params: (draw: Draw) => ({ index: draw.index, now: draw.now.toISOString() }),
  statements: {},
  run: () => Promise.resolve('original'),
  ...changes,
});

const scenario = (transactions: Record<string, TransactionSpec>): ScenarioSpec => ({
  name: 'unit',
  title: '',
  description: '',
  workload: {
    name: 'unit',
    migrations: 'none',
    baseline: '000',
    seed: { asOf: '2026-11-01T00:00:00Z', tables: {} },
    transactions,
  },
  stages: [
    { name: 'before', description: '', migrations: '000', profile: 'stock' },
    {
      name: 'after',
      description: '',
      migrations: '000',
      profile: 'stock',
      rewrites: { only: { statements: {}, run: () => Promise.resolve('rewritten') } },
    },
  ],
});

/** A connection that answers as it is told, and remembers the parameters. */
function connectionThat(run: (attempt: number) => Promise<unknown>): Connection & { seen: unknown[] } {
  const seen: unknown[] = [];
  return {
    seen,
    isOpen: true,
    firstByteUs: 0,
    open: () => Promise.resolve(),
    close: () => Promise.resolve(),
    run: (_, params) => {
      seen.push(params);
      return run(seen.length);
    },
  };
}

function executorOf(connection: Connection, spec: TransactionSpec = transaction()): PostgresExecutor<Connection> {
  return new PostgresExecutor({
    scenario: scenario({ only: spec }),
    catalog: { rows: () => 0, cell: () => null },
    seed: 1,
    blockNumber: 2,
    samples: createSamples({ dueUs: Float64Array.of(0, 1_500_000), transaction: Uint16Array.of(0, 0) }),
    connections: [connection],
  });
}

const databaseError = (code: string): Error => Object.assign(new Error(`failed with ${code}`), { code });

describe('PostgresExecutor', () => {
  it('draws each arrival its parameters, with "now" moving on with the schedule', async () => {
    const connection = connectionThat(() => Promise.resolve());
    const executor = executorOf(connection);
    executor.prepare(0);
    executor.prepare(1);
    await executor.execute(1, 0);
    expect(connection.seen).toEqual([{ index: 20_000_001, now: '2026-11-01T00:00:01.500Z' }]);
  });

  it.each(['40001', '40P01'])('repeats after %s with the same parameters and counts it', async (code) => {
    const connection = connectionThat((attempt) =>
      attempt < 3 ? Promise.reject(databaseError(code)) : Promise.resolve(),
    );
    const executor = executorOf(connection);
    executor.prepare(0);
    expect(await executor.execute(0, 0)).toEqual({ fate: Fate.succeeded, error: 0, retries: 2 });
    expect(new Set(connection.seen).size).toBe(1);
  });

  it('gives up after ten repetitions', async () => {
    const executor = executorOf(connectionThat(() => Promise.reject(databaseError('40001'))));
    executor.prepare(0);
    expect(await executor.execute(0, 0)).toEqual({ fate: Fate.failed, error: 1, retries: 10 });
    expect(executor.labels.errors).toEqual([{ code: '40001', example: 'failed with 40001' }]);
  });

  it('tells a statement timeout from other errors', async () => {
    const codes = ['57014', '23505'];
    const executor = executorOf(connectionThat((attempt) => Promise.reject(databaseError(codes[attempt - 1]!))));
    executor.prepare(0);
    executor.prepare(1);
    expect(await executor.execute(0, 0)).toMatchObject({ fate: Fate.timedOut, error: 1 });
    expect(await executor.execute(1, 0)).toMatchObject({ fate: Fate.failed, error: 2 });
    expect(executor.busyConnections).toEqual([]);
  });

  it('numbers the classes of parameters', () => {
    const classes = ['hot', 'rest', 'hot'];
    const executor = executorOf(
      connectionThat(() => Promise.resolve()),
      transaction({ classify: () => classes.shift()! }),
    );
    expect([executor.prepare(0), executor.prepare(1), executor.prepare(0)]).toEqual([1, 2, 1]);
    expect(executor.labels.classes).toEqual(['hot', 'rest']);
  });

  it('names the transaction whose parameters cannot be drawn', () => {
    const broken = transaction({
      params: () => {
        throw new TypeError('draw.foo is not a function');
      },
    });
    const executor = executorOf(
      connectionThat(() => Promise.resolve()),
      broken,
    );
    expect(() => executor.prepare(0)).toThrow(UsageError);
    expect(() => executor.prepare(0)).toThrow(/transaction only .* draw\.foo is not a function/);
  });
});

describe('a stage', () => {
  it('carries out a transaction its own way where it rewrites it', async () => {
    const spec = scenario({ only: transaction(), other: transaction() });
    const client = { query: () => Promise.resolve([]) };
    const answersOf = (stage: string) =>
      Promise.all(planTransactions(spec, stageNamed(spec, stage)).map(({ body }) => body.run(client, {})));
    expect(await answersOf('before')).toEqual(['original', 'original']);
    expect(await answersOf('after')).toEqual(['rewritten', 'original']);
  });

  it('must exist', () => {
    expect(() => stageNamed(scenario({}), 'afterr')).toThrow(/no stage afterr/);
  });
});

describe('errorCode', () => {
  it.each([
    [databaseError('23505'), '23505'],
    [Object.assign(new Error('read'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new Error('Connection terminated unexpectedly'), '08006'],
    [new TypeError('x is undefined'), 'TypeError'],
    ['thrown text', 'unknown'],
  ])('of %s', (error, expected) => {
    expect(errorCode(error)).toBe(expected);
  });
});
