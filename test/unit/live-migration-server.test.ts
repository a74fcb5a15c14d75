/** What the server shows of a migration: from looks and states to figures, budget and report. */
import { array, assert, integer, nat, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveRepeat, ServerEvidence } from '../../src/live-migration/record.ts';
import { serverFigures } from '../../src/live-migration/server-figures.ts';
import { changedPlans, changedRelations, type RelationState } from '../../src/live-migration/server-state.ts';
import type { ServerLook } from '../../src/live-migration/server-watch.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { judge } from '../../src/verdict.ts';
import { liveMigration, statement } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

/** A look twice a second: 500 bytes of log each before the migration (2 s to 3 s), 5,000 while it runs, 500 after. */
const looks = Array.from({ length: 11 }, (_, at): ServerLook => {
  const during = Math.min(2, Math.max(0, at - 4));
  return { atMs: at * 500, walBytes: at * 500 + during * 4500, diskBytes: at === 5 ? 90_000 : 60_000 };
});
const pass = { startedAt: 2000, endedAt: 3000 };

describe('serverFigures', () => {
  it('tell rates of the log and the peak of the disk', () => {
    expect(serverFigures(looks, pass)).toEqual({
      wal: { usualPerSecond: 1000, mostPerSecond: 10_000 },
      disk: { beforeBytes: 60_000, mostBytes: 90_000 },
    });
  });

  it('tell how far the slowest replica fell behind since, not before', () => {
    const lagging = looks.map((look, at) => ({ ...look, replica: { lagMs: at < 4 ? 9000 : at * 10, lagBytes: at } }));
    expect(serverFigures(lagging, pass).replica).toEqual({ mostMs: 100, mostBytes: 10 });
  });

  it('see a migration between two looks', () => {
    const short = { startedAt: 2010, endedAt: 2020 };
    expect(serverFigures(looks, short).wal.mostPerSecond).toBe(10_000);
    expect(serverFigures([], short)).toEqual({ wal: { usualPerSecond: 0, mostPerSecond: 0 } });
  });

  it('never tell less than the mean', () => {
    const steps = array(record({ forMs: integer({ min: 1, max: 900 }), bytes: nat(1e6) }), {
      minLength: 3,
    });
    assert(
      property(steps, (all) => {
        let [atMs, walBytes] = [0, 0];
        const walked = all.map(({ forMs, bytes }) => ({ atMs: (atMs += forMs), walBytes: (walBytes += bytes) }));
        const [first, last] = [walked[0]!, walked.at(-1)!];
        const { wal } = serverFigures(walked, { startedAt: first.atMs, endedAt: last.atMs });
        const mean = ((last.walBytes - first.walBytes) / (last.atMs - first.atMs)) * 1000;
        expect(wal.mostPerSecond).toBeGreaterThanOrEqual(mean * 0.999999);
      }),
    );
  });
});

const relation = (oid: number, name: string, change: Partial<RelationState> = {}): RelationState => ({
  oid,
  name,
  filenode: oid,
  bytes: 8192,
  wholeReads: 0,
  deadRows: 0,
  ...change,
});

describe('changedRelations', () => {
  it('knows a new file by its number, also under another name, and leaves alone what was made', () => {
    const before = [relation(1, 'orders'), relation(2, 'visits')];
    const after = [relation(1, 'purchases', { filenode: 9 }), relation(2, 'visits'), relation(3, 'shops')];
    expect(changedRelations({ atStart: before, before, after }).rewritten).toEqual(['purchases']);
  });

  it('tells reads of whole tables where the load has none of its own', () => {
    const atStart = [relation(1, 'orders', { wholeReads: 4 }), relation(2, 'visits', { wholeReads: 4 })];
    const before = [relation(1, 'orders', { wholeReads: 4 }), relation(2, 'visits', { wholeReads: 9 })];
    const after = [relation(1, 'orders', { wholeReads: 5 }), relation(2, 'visits', { wholeReads: 15 })];
    expect(changedRelations({ atStart, before, after }).readWhole).toEqual([{ table: 'orders', bytes: 8192 }]);
    expect(changedRelations({ atStart, before, after: before }).readWhole).toEqual([]);
  });

  it('tells dead rows that no ordinary load leaves', () => {
    const before = [relation(1, 'orders', { deadRows: 50 }), relation(2, 'visits', { deadRows: 50 })];
    const after = [relation(1, 'orders', { deadRows: 4000 }), relation(2, 'visits', { deadRows: 900 })];
    expect(changedRelations({ atStart: before, before, after }).deadRows).toEqual([
      { table: 'orders', before: 50, after: 4000 },
    ]);
  });
});

function plan(transaction: string, shape: string) {
  return { transaction, statement: 'read', shape };
}

it('changedPlans tells other plans, and statements that have none any more', () => {
  const before = [plan('a', 'Index Scan(i)'), plan('b', 'Index Scan(j)'), plan('c', 'Result')];
  const after = [plan('a', 'Seq Scan(t)'), plan('c', 'Result'), plan('d', 'Result')];
  expect(changedPlans(before, after)).toEqual([
    { transaction: 'a', statement: 'read', before: 'Index Scan(i)', after: 'Seq Scan(t)' },
    { transaction: 'b', statement: 'read', before: 'Index Scan(j)' },
  ]);
});

const server: ServerEvidence = {
  rewritten: ['orders'],
  readWhole: [{ table: 'visits', bytes: 8192 }],
  deadRows: [{ table: 'orders', before: 5, after: 5000 }],
  plans: [{ transaction: '<b>', statement: 'read', before: 'Index Scan(i)', after: 'Seq Scan(t)' }],
  wal: { usualPerSecond: 1024, mostPerSecond: 10_240 },
  disk: { beforeBytes: 2048, mostBytes: 4096 },
};

/** A repeat with what the server shows. */
function rehearsed(more: Partial<ServerEvidence>) {
  const change: Partial<LiveRepeat> = { server: { ...server, ...more } };
  const live = liveMigration([statement('UPDATE t SET a = 1')], change);
  live.budgets.maxReplicaLagMs = 5000;
  return { ...buildResult(), liveMigration: live };
}

describe('the budget for a replica', () => {
  it('is judged where one was attached', () => {
    const near = judge(rehearsed({ replica: { mostMs: 4000, mostBytes: 1 } }));
    expect(near).toMatchObject({ outcome: 'pass' });
    expect(near.gates.map(({ reason }) => reason)).toContain('a replica was 4 s behind, 5 s allowed.');
    expect(judge(rehearsed({ replica: { mostMs: 6000, mostBytes: 1 } })).exitCode).toBe(1);
    expect(judge(rehearsed({})).gates.some(({ reason }) => reason.includes('replica'))).toBe(false);
  });
});

it('the report tells it', async () => {
  const { markdown } = await renderMarkdown(rehearsed({ replica: { mostMs: 4000, mostBytes: 1024 } }));
  for (const line of [
    '- orders was written anew',
    '- visits (8 KiB) was read from end to end',
    '- orders has 5,000 dead rows, 5 when it began',
    '- write-ahead log: at most 10 KiB/s while it ran, 1 KiB/s by the load alone',
    '- disk: at most 4 KiB for data, log and temporary files, 2 KiB more than when it began',
    '- replica: at most 4 s and 1 KiB behind',
    'after:  Seq Scan(t)',
  ]) {
    expect(markdown).toContain(line);
  }
  expect(markdown).not.toContain('<b>');
  expect((await renderMarkdown(rehearsed({}))).markdown).toContain('replica: none was attached');
});
