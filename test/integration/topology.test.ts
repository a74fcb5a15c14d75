/** Stages with a replica beside their server and PgBouncer in front of it, for real. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import type { RunResult } from '../../src/result.ts';
import { dropSnapshot } from '../../src/server/docker/snapshots.ts';
import { readLease } from '../../src/server/leases.ts';
import { reapLeftovers } from '../../src/server/leftovers.ts';
import { exists } from '../../src/server/processes.ts';
import { findPgBouncer } from '../../src/topology/plan.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';
import { serversUnderTest } from './servers.ts';

const scenario = 'test/fixtures/topology-shop.ts';
const pgBouncer = await findPgBouncer();

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  temporary = await temporaryFolder();
});

afterAll(() => temporary?.[Symbol.asyncDispose]());

/** One run of all stages, or of those that can be had. */
let result: RunResult;
let report: string;

beforeAll(async () => {
  const out = join(temporary.path, 'out');
  const stages = pgBouncer === undefined ? 'alone,replicated' : 'all';
  const flags = ['--stages', stages, '--preset', 'none', '--out', out];
  const { stdout, stderr } = await pgrehearse(['run', scenario, ...flags], join(temporary.path, 'cache'));
  const found = await readResult(out).catch(() => undefined);
  if (found?.status !== 'complete') throw new Error(`${String(stdout)}\n${String(stderr)}`);
  result = found;
  report = await readFile(join(out, 'report.md'), 'utf8');
});

function stageOf(name: string) {
  const stage = result.stages.find((one) => one.name === name)!;
  const block = result.blocks.find((one) => one.stage === name)!;
  const evidence = result.evidence!.find((one) => one.stage === name)!;
  return { topology: stage.topology, block, evidence };
}

it('changes neither answers nor data, and nothing fails', () => {
  for (const { counts } of result.blocks) expect(counts).toMatchObject({ succeeded: counts.scheduled });
  for (const { compared, different } of result.answers) {
    expect(compared).toBeGreaterThan(0);
    expect(different).toBe(0);
  }
  expect(result.invariants.every(({ holds }) => holds)).toBe(true);
});

describe('a replica', () => {
  it('carries out the reads, but for those that must see their own writes, and its lag is told', () => {
    expect(stageOf('alone').topology).toBeUndefined();
    expect(stageOf('alone').block.replicaLag).toBeUndefined();
    // Both reads fail on the server that is not theirs.
    const { topology, block } = stageOf('replicated');
    expect(topology).toEqual({ replica: { transactions: ['open_orders'] } });
    expect(block.replicaLag!.looks).toBeGreaterThan(5);
    expect(block.replicaLag!.maxMs).toBeGreaterThanOrEqual(block.replicaLag!.p50Ms);
    expect(report).toMatch(/- replicated: a streaming replica carries out open_orders; it lags by /);
  });

  it('is observed too: its work counts for its transactions', () => {
    const costs = stageOf('replicated').evidence.costs!;
    expect(costs.map(({ transaction }) => transaction).toSorted()).toEqual(['open_orders', 'own_orders', 'visit']);
    for (const { calls } of costs) expect(calls).toBeGreaterThan(0);
    // Reads are full scans, and half of them are the replica's.
    const scans = (stage: string) => stageOf(stage).evidence.tables.find(({ table }) => /orders/.test(table))!.seqScans;
    expect(scans('replicated')).toBeGreaterThan(scans('alone') * 0.8);
  });
});

// Not everybody has it.
describe.skipIf(pgBouncer === undefined)('PgBouncer', () => {
  it('is between clients and server, with its connections and without theirs', () => {
    const { version, keepsStatements: prepared } = pgBouncer!;
    const { topology, block } = stageOf('pooled');
    expect(topology).toEqual({ pooler: { version, poolSize: 2, prepared } });
    expect(block.pooler!.transactions).toBeGreaterThanOrEqual(block.counts.scheduled);
    expect(report).toContain(`- pooled: PgBouncer ${version} in transaction mode with 2 connections to each server`);
  });

  it('stands in front of a replica as well', () => {
    expect(Object.keys(stageOf('both').topology!)).toEqual(['replica', 'pooler']);
  });

  it('leaves the lag of the replica to be seen', () => {
    const { p50Ms, maxBytes } = stageOf('both').block.replicaLag!;
    // 300 ms, told up to 100 ms too low.
    expect(p50Ms).toBeGreaterThan(150);
    expect(maxBytes).toBeGreaterThan(0);
  });

  it('ends the run when it ends by itself, with its cause and before the time of the stage is over', async () => {
    const cache = join(temporary.path, 'cache');
    const flags = [
      '--stages',
      'pooled',
      '--preset',
      'none',
      '--duration',
      '60s',
      '--out',
      join(temporary.path, 'ended'),
    ];
    const child = pgrehearse(['run', scenario, ...flags], cache);
    const pid = await leaderIn(cache);
    child.stderr!.on('data', (text: Buffer) => {
      // The load is on.
      if (String(text).includes('waiting') && exists(pid)) process.kill(pid, 'SIGKILL');
    });
    const { exitCode, stderr, durationMs } = await child;
    expect([exitCode, stderr]).toEqual([
      5,
      expect.stringContaining('PgBouncer of stage pooled ended with SIGKILL although nobody stopped it.'),
    ]);
    expect(durationMs).toBeLessThan(60_000);
  });

  it('goes with a run that was killed, at the next start', async () => {
    const cache = join(temporary.path, 'cache');
    const flags = ['--stages', 'pooled', '--preset', 'none', '--duration', '30s', '--out'];
    const child = pgrehearse(['run', scenario, ...flags, join(temporary.path, 'killed')], cache);
    const pid = await leaderIn(cache);
    const sockets = await recorded(cache, ({ kind, path }) => (kind === 'sockets' ? path : undefined));
    child.kill('SIGKILL');
    await child;
    expect([exists(pid), existsSync(sockets)]).toEqual([true, true]);
    expect((await reapLeftovers(cache)).join()).toContain(`stopped PgBouncer of stage pooled (process ${pid})`);
    expect([exists(pid), existsSync(sockets)]).toEqual([false, false]);
  });
});

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());
const elsewhere = (await serversUnderTest(resources)).filter(({ choice }) => choice === undefined);

describe.skipIf(pgBouncer === undefined).each(elsewhere)('PgBouncer before $name', ({ kind, flags, missing }) => {
  it.skipIf(missing)('reaches the database of the run', async () => {
    const out = join(temporary.path, `pooled-${kind}`);
    const run = ['--stages', 'pooled', '--preset', 'none', '--out', out, ...(await flags())];
    const { stderr } = await pgrehearse(['run', scenario, ...run], join(temporary.path, 'cache'));
    const { status, blocks, stages } = await readResult(out);
    expect(status, String(stderr)).toBe('complete');
    const [{ counts, pooler }] = blocks as [(typeof blocks)[number]];
    expect(counts).toMatchObject({ succeeded: counts.scheduled });
    expect(pooler!.transactions).toBeGreaterThanOrEqual(counts.scheduled);
    if (kind === 'docker') for (const { snapshotKey } of stages) await dropSnapshot(snapshotKey);
  });

  it.skipIf(missing)('is none beside a replica, which is said before anything is made', async () => {
    const run = ['--stages', 'both', '--preset', 'none', ...(await flags())];
    const { exitCode, stderr } = await pgrehearse(['run', scenario, ...run], join(temporary.path, 'cache'));
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining(`it cannot for --server ${kind}.`)]);
  });
});

/** The process of the first program that a run has recorded as its own. */
function leaderIn(cache: string): Promise<number> {
  return recorded(cache, ({ leader }) => leader?.pid);
}

interface Recorded {
  kind: string;
  path?: string;
  leader?: { pid: number };
}

/** What `find` finds in the records of what a run answers for, once it is there. */
async function recorded<T>(cache: string, find: (subject: Recorded) => T | undefined): Promise<T> {
  const folder = join(cache, 'running');
  for (;;) {
    for (const name of await readdir(folder).catch(() => [])) {
      const record = await readLease<Recorded>(join(folder, name));
      const found = record?.content && find(record.content.subject);
      if (found !== undefined) return found;
    }
    await sleep(50);
  }
}
