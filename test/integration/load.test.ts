import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EnvironmentError, UsageError } from '../../src/errors.ts';
import { LoadSession, runBlock } from '../../src/load/engine.ts';
import type { BlockOptions } from '../../src/load/engine.ts';
import { summarise } from '../../src/load/recorder.ts';
import { readSamples } from '../../src/load/samples-file.ts';
import { Fate } from '../../src/load/samples.ts';
import type { Block } from '../../src/result.ts';
import type { Server } from '../../src/server/server.ts';
import { createAccounts, fillAccounts } from './accounts.ts';
import { startTestServer } from './postgres.ts';

const scenarioFile = fileURLToPath(new URL('./load-scenario.ts', import.meta.url));

let server: Server;
let folder: string;
let control: Client;

beforeAll(async () => {
  server = await startTestServer({ deadlock_timeout: '10ms' });
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-load-'));
  control = new Client(server.connection());
  await control.connect();
  await createAccounts(control);
});

beforeEach(async () => {
  await control.query('TRUNCATE accounts');
  await fillAccounts(control);
});

afterAll(async () => {
  await control?.end();
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const block = (changes: Partial<BlockOptions> = {}, load: Partial<BlockOptions['load']> = {}): BlockOptions => ({
  scenarioFile,
  stage: 'before',
  id: 'block-1',
  blockNumber: 0,
  connection: server.connection(),
  seed: 1,
  scale: 1,
  load: {
    ratePerSecond: 400,
    arrivals: 'poisson',
    durationMs: 1500,
    warmupMs: 500,
    connections: 4,
    statementTimeoutMs: 3000,
    ...load,
  },
  slo: { percentile: 95, limitMs: 50 },
  samplesPath: join(folder, 'block-1.bin'),
  ...changes,
});

async function loadBackends(): Promise<number> {
  const { rows } = await control.query(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgrehearse load'",
  );
  return (rows[0] as { n: number }).n;
}

const conserved = ({ counts }: Block): void => {
  expect(counts.succeeded + counts.failed + counts.timedOut + counts.unfinished).toBe(counts.scheduled);
};

const sumOfBalances = async (): Promise<number> => {
  const { rows } = await control.query<{ sum: number }>('SELECT sum(balance)::int AS sum FROM accounts');
  return rows[0]!.sum;
};

describe('runBlock', () => {
  it('carries out every arrival of the schedule and leaves no connection behind', async () => {
    const seen: number[] = [];
    const result = await runBlock(block({ onProgress: ({ elapsedMs }) => void seen.push(elapsedMs) }));
    const { scheduled } = result.counts;
    expect(result.outcome).toBe('complete');
    expect(scheduled).toBeGreaterThan(500);
    expect(result.counts).toEqual({ scheduled, succeeded: scheduled, failed: 0, timedOut: 0, unfinished: 0 });
    const [read, transfer] = result.transactions;
    expect(Object.keys(read!.classes).sort()).toEqual(['first', 'rest']);
    // The warm-up's transfers count in the database only.
    expect(await sumOfBalances()).toBeGreaterThan(transfer!.counts.succeeded);
    await expect.poll(loadBackends).toBe(0);
    expect(seen.length).toBeGreaterThan(5);
  });

  it('writes samples from which every figure can be computed again', async () => {
    const options = block();
    const result = await runBlock(options);
    const { block: record, samples } = await readSamples(options.samplesPath);
    expect(summarise(record, samples, options.slo, options.samplesPath)).toEqual(result);
  });

  it('notes for every arrival, in this order, when it was sent, when its answer began and when it ended', async () => {
    const options = block({}, { durationMs: 500 });
    await runBlock(options);
    const { sentUs, firstByteUs, endUs, fate } = (await readSamples(options.samplesPath)).samples;
    const succeeded = [...fate.keys()].filter((arrival) => fate[arrival] === Fate.succeeded);
    expect(succeeded.length).toBeGreaterThan(50);
    const inOrder = (at: number): boolean => sentUs[at]! <= firstByteUs[at]! && firstByteUs[at]! <= endUs[at]!;
    expect(succeeded.filter((arrival) => !inOrder(arrival))).toEqual([]);
  });

  it('offers both stages the same arrivals', async () => {
    const first = block();
    await runBlock(first);
    const second = block({ stage: 'broken', id: 'block-2', samplesPath: join(folder, 'block-2.bin') });
    const broken = await runBlock(second);
    const [one, two] = await Promise.all([readSamples(first.samplesPath), readSamples(second.samplesPath)]);
    expect(two.samples.dueUs).toEqual(one.samples.dueUs);
    expect(two.samples.transaction).toEqual(one.samples.transaction);
    expect(two.samples.class).toEqual(one.samples.class);
    expect(broken.counts.succeeded).toBe(0);
  });

  it('counts errors by their code and rolls back what fails half-way', async () => {
    const result = await runBlock(block({ stage: 'broken' }));
    const [read, transfer] = result.transactions;
    expect(read!.errors['22012']).toEqual({ count: read!.counts.scheduled, example: 'division by zero' });
    expect(transfer!.errors['TypeError']).toEqual({ count: transfer!.counts.scheduled, example: 'changed its mind' });
    expect(await sumOfBalances()).toBe(0);
    expect(result.missed).toBe(result.counts.scheduled);
  });

  it('does not take a transaction for committed that PostgreSQL has rolled back', async () => {
    const [, transfer] = (await runBlock(block({ stage: 'careless' }))).transactions;
    expect(transfer!.errors['25P02']!.count).toBe(transfer!.counts.scheduled);
    expect(await sumOfBalances()).toBe(0);
  });

  it('gives the same counts and samples with any number of workers', async () => {
    const figures = [];
    for (const workers of [1, 3]) {
      const options = block({ stage: 'broken', workers, blockNumber: 4, samplesPath: join(folder, `${workers}.bin`) });
      const result = await runBlock(options);
      const { block: record, samples } = await readSamples(options.samplesPath);
      expect(summarise(record, samples, options.slo, options.samplesPath)).toEqual(result);
      expect(result.generator.workers).toBe(workers);
      figures.push({
        counts: result.counts,
        byTransaction: result.transactions.map(({ counts, errors, classes }) => [
          counts,
          errors,
          Object.entries(classes).map(([name, { count }]) => [name, count]),
        ]),
        // Order of the arrivals, what they were, and how each of them ended.
        columns: [samples.dueUs, samples.transaction, samples.class, samples.fate, samples.error],
      });
    }
    expect(figures[1]).toEqual(figures[0]);
    expect(await loadBackends()).toBe(0);
  });

  it('stops all workers when the stage is saturated', async () => {
    const result = await runBlock(
      block({ stage: 'slow', drainMs: 500, workers: 2 }, { durationMs: 30_000, warmupMs: 0 }),
    );
    expect(result.outcome).toBe('saturated');
    expect(result.saturation!.atMs).toBeLessThan(10_000);
    expect(result.saturation!.heldPerSecond).toBeLessThan(20);
    conserved(result);
  });

  it('counts statements that the server cancels as timed out', async () => {
    const result = await runBlock(
      block({ stage: 'slow' }, { statementTimeoutMs: 200, ratePerSecond: 15, connections: 8 }),
    );
    const [read] = result.transactions;
    expect(read!.counts.timedOut).toBe(read!.counts.scheduled);
    expect(read!.errors['57014']!.count).toBe(read!.counts.timedOut);
    conserved(result);
  });

  it('notices early that a stage cannot hold the rate, and stops', async () => {
    const result = await runBlock(block({ stage: 'slow', drainMs: 500 }, { durationMs: 30_000, warmupMs: 0 }));
    expect(result.outcome).toBe('saturated');
    // Within 3 s where the machine has the time (the unit tests of saturation count them); far from the 30 s of the block anywhere.
    expect(result.saturation!.atMs).toBeLessThan(10_000);
    expect(result.measuredMs).toBeLessThan(10_200);
    expect(result.saturation!.heldPerSecond).toBeLessThan(20);
    conserved(result);
    await expect.poll(loadBackends).toBe(0);
  });

  it('ends what is still running at the deadline', async () => {
    const result = await runBlock(block({ stage: 'slow', drainMs: 100 }, { durationMs: 500, warmupMs: 0 }));
    expect(result.counts.unfinished).toBeGreaterThan(100);
    conserved(result);
    await expect.poll(loadBackends).toBe(0);
  });

  it('repeats transactions that deadlocked until they succeed', async () => {
    // Few at a time: of many, one may lose as often as a transaction is repeated at most.
    const options = block({ stage: 'deadlocking' }, { ratePerSecond: 100, durationMs: 2000, connections: 3 });
    const result = await runBlock(options);
    const { samples } = await readSamples(options.samplesPath);
    const retries = samples.retries.reduce((sum, count) => sum + count, 0);
    expect(retries).toBeGreaterThan(0);
    // Of the counted arrivals; the warm-up may have had some too.
    const counted = result.transactions.reduce((sum, figures) => sum + figures.retries!, 0);
    expect(counted).toBeGreaterThan(0);
    expect(counted).toBeLessThanOrEqual(retries);
    expect(result.counts.succeeded).toBe(result.counts.scheduled);
    const transfers = samples.transaction.filter((number) => number === 1).length;
    expect(await sumOfBalances()).toBe(2 * transfers);
  });

  it.each(['default-level', 'serializable-level', 'repeatable-level'])(
    'begins transactions at the isolation level that they ask for: %s',
    async (stage) => {
      const [, transfer] = (await runBlock(block({ stage }, { durationMs: 1000, warmupMs: 0 }))).transactions;
      expect(transfer!.counts.scheduled).toBeGreaterThan(20);
      expect(transfer!.errors).toEqual({});
    },
  );

  it('repeats transactions that could not be serialised', async () => {
    const result = await runBlock(
      block({ stage: 'conflicting' }, { ratePerSecond: 100, durationMs: 1000, connections: 8 }),
    );
    const [, transfer] = result.transactions;
    expect(transfer!.retries).toBeGreaterThan(0);
    conserved(result);
  });

  it('stops when it is told to, and keeps what has finished', async () => {
    const abort = new AbortController();
    const onProgress = ({ elapsedMs }: { elapsedMs: number }): void => {
      if (elapsedMs > 1000) abort.abort();
    };
    const result = await runBlock(block({ signal: abort.signal, onProgress }, { durationMs: 20_000 }));
    expect(result.outcome).toBe('interrupted');
    expect(result.measuredMs).toBeLessThan(10_000);
    expect(result.counts.succeeded).toBeGreaterThan(100);
    conserved(result);
    await expect.poll(loadBackends).toBe(0);
  });

  it('offers nothing when it is told to stop before it starts', async () => {
    const result = await runBlock(block({ signal: AbortSignal.abort() }));
    expect(result).toMatchObject({ outcome: 'interrupted', measuredMs: 0, counts: { scheduled: 0 } });
  });
});

async function backends(): Promise<number[]> {
  const { rows } = await control.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgrehearse load' ORDER BY pid",
  );
  return rows.map(({ pid }) => pid);
}

const short = (id: string, blockNumber: number): BlockOptions =>
  block({ id, blockNumber, samplesPath: join(folder, `${id}.bin`) }, { durationMs: 300, warmupMs: 100 });

describe('LoadSession', () => {
  it.each([1, 2])(
    'keeps the connections of %i workers from block to block, and closes them at the end',
    async (workers) => {
      {
        await using session = await LoadSession.open(block({ workers }));
        const opened = await backends();
        const first = await session.runBlock(short('first', 0));
        const second = await session.runBlock(short('second', 1));
        expect(opened).toHaveLength(4);
        expect(await backends()).toEqual(opened);
        expect([first.outcome, second.outcome]).toEqual(['complete', 'complete']);
        expect(second.counts.succeeded).toBe(second.counts.scheduled);
        expect(second.counts.scheduled).not.toBe(first.counts.scheduled);
      }
      expect(await backends()).toEqual([]);
    },
  );

  it('opens lost connections again before the next block', async () => {
    await using session = await LoadSession.open(block());
    const lost = await backends();
    await control.query('SELECT pg_terminate_backend(pid, 1000) FROM unnest($1::int[]) AS pid', [lost]);
    const result = await session.runBlock(short('after-loss', 0));
    expect(result.counts.succeeded).toBe(result.counts.scheduled);
    expect(await backends()).toHaveLength(4);
    expect(lost).not.toContain((await backends())[0]);
  });

  it('can go on after a block that was stopped', async () => {
    await using session = await LoadSession.open(block());
    const stopped = await session.runBlock({ ...short('stopped', 0), signal: AbortSignal.abort() });
    const next = await session.runBlock(short('next', 1));
    expect(stopped.outcome).toBe('interrupted');
    expect(next.counts.succeeded).toBe(next.counts.scheduled);
    expect(next.counts.scheduled).toBeGreaterThan(50);
  });
});

describe('faults', () => {
  it('gets killed connections back and counts what they cost', async () => {
    let killed = 0;
    const kill = async (): Promise<void> => {
      const { rowCount } = await control.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgrehearse load'",
      );
      killed += rowCount ?? 0;
    };
    // From the first progress on: connections that are killed while they open end the block, as they should.
    let killer: NodeJS.Timeout | undefined;
    const onProgress = (): void => void (killer ??= setInterval(() => void kill(), 400));
    const result = await runBlock(block({ onProgress })).finally(() => clearInterval(killer));
    expect(killed).toBeGreaterThan(0);
    expect(result.outcome).toBe('complete');
    expect(result.counts.succeeded).toBeGreaterThan(result.counts.scheduled * 0.9);
    conserved(result);
  });

  it('lives through a restart of the server', async () => {
    await using restarted = await startTestServer();
    const client = new Client(restarted.connection());
    await client.connect();
    await client.query(
      'CREATE TABLE accounts AS SELECT id, 0::bigint AS balance, id::text AS name FROM generate_series(1, 100) AS id',
    );
    await client.end();
    const begun = Promise.withResolvers<void>();
    // After the warm-up of half a second, whose failures do not count.
    const onProgress = ({ elapsedMs }: { elapsedMs: number }): void => void (elapsedMs > 1000 && begun.resolve());
    const running = runBlock(block({ connection: restarted.connection(), onProgress }, { durationMs: 4000 }));
    await begun.promise;
    await restarted.restart();
    const result = await running;
    conserved(result);
    expect(result.counts.failed).toBeGreaterThan(0);
    expect(result.timeline.at(-1)!.failed).toBe(0);
  });

  it('says in one sentence that the server cannot be reached', async () => {
    const connection = { ...server.connection(), host: '127.0.0.1', port: 1 };
    const failure = runBlock(block({ connection }));
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toThrow(/cannot open 4 connections to postgres at 127\.0\.0\.1:1: .*ECONNREFUSED/);
  });

  it('says so when the server has too few connections', async () => {
    const failure = runBlock(block({}, { connections: 80 }));
    await expect(failure).rejects.toThrow(/cannot open 80 connections .*too many clients/);
    await expect.poll(loadBackends).toBe(0);
  });

  it('names an unknown stage and a broken scenario file', async () => {
    await expect(runBlock(block({ stage: 'beforre' }))).rejects.toThrow(/no stage beforre/);
    const broken = join(folder, 'broken.ts');
    await writeFile(broken, 'export default {');
    await expect(runBlock(block({ scenarioFile: broken }))).rejects.toThrow(UsageError);
  });

  it.each([
    [
      'params: (draw) => { if (draw.index > 400) throw new Error("late fault"); return { id: 1 }; }',
      UsageError,
      /transaction read cannot be drawn: late fault/,
    ],
    [
      'run: async () => { setTimeout(() => { throw new Error("nobody waits") }, 10); }',
      EnvironmentError,
      /had to stop: nobody waits/,
    ],
  ])('ends the block with the fault of the scenario: %s', async (fault, kind, message) => {
    const faulty = join(folder, `faulty-${kind.name}.ts`);
    await writeFile(
      faulty,
      `import base from ${JSON.stringify(scenarioFile)};
       const { workload } = base;
       const read = { ...workload.transactions.read, ${fault} };
       export default { ...base, workload: { ...workload, transactions: { read } } };`,
    );
    const failure = runBlock(block({ scenarioFile: faulty }));
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(message);
    await expect.poll(loadBackends).toBe(0);
  });

  it.each([1, 2])('says so when one of %i worker threads dies, and stops the others', async (workers) => {
    const failure = runBlock(block({ stage: 'crashing', workers }, { durationMs: 20_000, ratePerSecond: 20 }));
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toThrow(/worker thread .* ended with code 3/);
    await expect.poll(loadBackends).toBe(0);
  });

  it.each([0, 5, 1.5])('refuses %s workers for four connections', async (workers) => {
    await expect(runBlock(block({ workers }))).rejects.toThrow(UsageError);
  });
});
