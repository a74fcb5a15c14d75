/** Why a transaction changed: plans cut down, ways of reading, and how the report tells them. */
import { describe, expect, it } from 'vitest';
import { shapeOf, stepsOf, type PlanNode } from '../../src/observe/plan-tree.ts';
import type { PlanStep, StageEvidence } from '../../src/observe/record.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { accessesOf, planChanges, reasonsOf } from '../../src/verdict/reasons.ts';
import { buildResult } from './result-fixture.ts';

const bitmap: PlanNode = {
  'Node Type': 'Nested Loop',
  'Join Type': 'Left',
  'Join Filter': '(a.id = b.id)',
  'Plan Rows': 7,
  Plans: [
    {
      'Node Type': 'Bitmap Heap Scan',
      'Relation Name': 'events',
      'Recheck Cond': '(user_id = $1)',
      'Plan Rows': 12,
      Plans: [
        {
          'Node Type': 'BitmapAnd',
          Plans: [
            { 'Node Type': 'Bitmap Index Scan', 'Index Name': 'by_user', 'Index Cond': '(user_id = $1)' },
            { 'Node Type': 'Bitmap Index Scan', 'Index Name': 'by_time' },
          ],
        },
      ],
    },
    { 'Node Type': 'Seq Scan', 'Relation Name': 'users', Filter: '(id = $2)', 'Plan Rows': 1 },
  ],
};

describe('stepsOf', () => {
  it('tells nodes from the top, with what they read and by which condition', () => {
    expect(stepsOf(bitmap)).toEqual([
      { depth: 0, node: 'Nested Loop (left)', condition: '(a.id = b.id)', rows: 7 },
      { depth: 1, node: 'Bitmap Heap Scan', relation: 'events', condition: '(user_id = $1)', rows: 12 },
      { depth: 2, node: 'BitmapAnd', rows: 0 },
      { depth: 3, node: 'Bitmap Index Scan', index: 'by_user', condition: '(user_id = $1)', rows: 0 },
      { depth: 3, node: 'Bitmap Index Scan', index: 'by_time', rows: 0 },
      { depth: 1, node: 'Seq Scan', relation: 'users', condition: '(id = $2)', rows: 1 },
    ]);
  });

  it('has one step for each node of the shape', () => {
    expect(shapeOf(bitmap)).toBe(
      'Nested Loop > [Bitmap Heap Scan(events) > BitmapAnd > [Bitmap Index Scan(by_user), Bitmap Index Scan(by_time)], Seq Scan(users)]',
    );
  });
});

const step = (node: string, index?: string): PlanStep => ({
  depth: 0,
  node,
  relation: 'events',
  rows: 1,
  ...(index === undefined ? {} : { index }),
});

describe('accessesOf', () => {
  it.each([
    [step('Seq Scan'), 'sequential scan'],
    [step('Index Scan', 'pk'), 'index pk'],
    [step('Index Only Scan', 'pk'), 'index only, pk'],
    [step('Tid Scan'), 'tid scan'],
  ])('%j', (only, way) => {
    expect(accessesOf([only])).toEqual([{ relation: 'events', way }]);
  });

  it('tells a bitmap with the indexes below it, and no others', () => {
    expect(accessesOf(stepsOf(bitmap))).toEqual([
      { relation: 'events', way: 'bitmap of by_user, by_time' },
      { relation: 'users', way: 'sequential scan' },
    ]);
  });

  it('reads nothing to write, and counts the same way once', () => {
    const twice = [step('ModifyTable'), step('Seq Scan'), step('Seq Scan')];
    expect(accessesOf(twice)).toEqual([{ relation: 'events', way: 'sequential scan' }]);
  });
});

const cost = (transaction: string, blocks: number) => ({
  transaction,
  runs: 10,
  calls: 10,
  blocks,
  tempBlocks: 0,
  walRecords: 0,
  walBytes: 20_480,
  rows: 10,
  executionMs: 1,
});

function evidence(stage: string, steps: PlanStep[], blocks: number): StageEvidence {
  return {
    stage,
    tables: [],
    indexes: [],
    waits: { looks: 0, shares: [] },
    database: { blocksHit: 0, blocksRead: 0, tempFiles: 0, tempBytes: 0, deadlocks: 0 },
    wal: { records: 0, fullPageImages: 0, bytes: 0 },
    costs: [cost('dashboard', blocks)],
    plans: [{ transaction: 'dashboard', statement: 'counts', steps }],
    gaps: [],
  };
}

const scan: PlanStep = { depth: 0, node: 'Seq Scan', relation: 'events', rows: 100 };
const seek: PlanStep = { depth: 0, node: 'Index Scan', relation: 'events', index: 'by_user', rows: 1 };
const [before, after] = [evidence('before', [scan], 412_000), evidence('after', [seek], 60)];

describe('reasonsOf', () => {
  it('tells what is read in another way', () => {
    expect(reasonsOf(before, after)).toMatchObject([
      {
        transaction: 'dashboard',
        dropped: [{ relation: 'events', way: 'sequential scan' }],
        gained: [{ relation: 'events', way: 'index by_user' }],
      },
    ]);
  });

  it('finds nothing where only the expected rows differ', () => {
    const same = evidence('after', [{ ...scan, rows: 1 }], 60);
    expect(reasonsOf(before, same)).toMatchObject([{ dropped: [], gained: [] }]);
    expect(planChanges(before, same)).toEqual([]);
  });

  it('knows statements that only one of the stages sends', () => {
    const other = { ...after, plans: [{ transaction: 'dashboard', statement: 'by_hour', steps: [seek] }] };
    expect(planChanges(before, other)).toEqual([
      { transaction: 'dashboard', statement: 'counts', before: [scan] },
      { transaction: 'dashboard', statement: 'by_hour', after: [seek] },
    ]);
  });
});

const rendered = async (...all: StageEvidence[]): Promise<string> =>
  (await renderMarkdown({ ...buildResult(), evidence: all })).markdown;

describe('what changed, and why', () => {
  it('sets work and ways of reading side by side', async () => {
    const markdown = await rendered(before, after);
    expect(markdown).toContain('| 41,200 → 6 | 2 KiB | 1 | events: sequential scan → index by_user |');
    expect(markdown).toContain('Index Scan using by_user on events, 1 row</pre>');
  });

  it('tells the price of added indexes, and which this load does not use', async () => {
    const added = { table: 'events', entriesRead: 0, constraint: false };
    const indexes = [
      { ...added, index: 'used', scans: 5, bytes: 2048 },
      { ...added, index: 'idle', scans: 0, bytes: 1024 },
    ];
    const table = { table: 'events', seqScans: 0, seqRows: 0, indexScans: 5, deleted: 0, autovacuums: 0, deadRows: 0 };
    const written = (hotUpdated: number) => [{ ...table, inserted: 1000, updated: 200, hotUpdated }];
    const indexPrices = [
      { index: 'used', writes: 20, walBytes: 71.6, executionUs: 12.5 },
      { index: 'idle', writes: 20, walBytes: -8, executionUs: -1500 },
    ];
    const markdown = await rendered(
      { ...before, tables: written(180) },
      { ...after, tables: written(20), indexes, indexPrices },
    );
    expect(markdown).toContain('| used | events | 2 KiB | 1,180 | 90 % → 10 % | +72 B | +12.5 µs | 5 |  |');
    expect(markdown).toContain('2 indexes added, 3 KiB');
    expect(markdown).toContain(
      '| idle | events | 1 KiB | 1,180 | 90 % → 10 % | -8 B | -1.5 ms | 0 | **not used in this load** |',
    );
    expect(await rendered(before, { ...after, indexes })).toContain('|  | none updated → none updated |  |  | 0 |');
  });

  it('shows hostile names of relations and conditions as text', async () => {
    const hostile = { ...seek, relation: '<b>|x', condition: "(note = '<script>alert(1)</script>')" };
    const markdown = await rendered(before, evidence('after', [hostile], 1));
    expect(markdown).not.toMatch(/<script>|<b>/);
  });

  it('says nothing without evidence of both ends', async () => {
    expect(await rendered(after)).not.toContain('What changed, and why');
  });
});
