/** What a monitor would say of a stage. */
import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../src/observe/findings.ts';
import type { PlanStep, StageEvidence, StatementSteps } from '../../src/observe/record.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { quiet } from './evidence-fixture.ts';
import { buildResult } from './result-fixture.ts';

const scan = (rows: number): PlanStep => ({
  depth: 0,
  node: 'Index Scan',
  relation: 'events',
  index: 'events_time',
  rows,
});

/** A statement whose plan expects so many rows, called a hundred times. */
const plan = (expected: number, returned: number, meanMs: number, top: Partial<PlanStep> = {}): StatementSteps => ({
  transaction: 'event_list',
  statement: 'page',
  steps: [{ ...scan(expected), ...top }],
  counted: { calls: 100, rows: returned * 100, executionMs: meanMs * 100 },
});

const table = { table: 'events', rows: 10_000, heapBytes: 100 * 2 ** 20, indexBytes: 1, totalBytes: 101 * 2 ** 20 };
const dead = (deadRows: number) => ({
  table: 'events',
  seqScans: 0,
  seqRows: 0,
  indexScans: 0,
  inserted: 0,
  updated: 0,
  hotUpdated: 0,
  deleted: 0,
  autovacuums: 0,
  deadRows,
});
const index = { table: 'events', index: 'events_never', scans: 0, entriesRead: 0, bytes: 2 ** 20, constraint: false };

const messages = (change: Partial<StageEvidence>) =>
  findingsOf({ ...quiet, ...change }, [table]).map(({ message }) => message);

describe('findingsOf', () => {
  it('has nothing to say of a stage in order', () => {
    const change = { plans: [plan(100, 100, 50)], tables: [dead(1999)], indexes: [{ ...index, scans: 1 }] };
    expect(messages(change)).toEqual([]);
  });

  it.each<[string, Partial<StageEvidence>, RegExp]>([
    [
      'a table of holes',
      { tables: [{ ...dead(0), freeShare: 0.3, deadShare: 0.1 }] },
      /^40 % of events \(100 MiB\) is free/,
    ],
    ['a slow statement', { plans: [plan(1, 1, 51)] }, /event_list\.page takes 51 ms on the server on average/],
    ['too few rows expected', { plans: [plan(1, 100, 1)] }, /returns 100 rows a call where its plan expects 1\./],
    ['too many rows expected', { plans: [plan(5000, 0, 1)] }, /returns 0 rows a call where its plan expects 5,000\./],
    ['a flip', { flipped: [plan(1, 1, 1)] }, /event_list\.page is near a flip: .* Index Scan of events_time\./],
    [
      'misses of the cache',
      { database: { ...quiet.database, blocksRead: 20_000 } },
      /98 % of the blocks were found in the cache/,
    ],
    ['dead rows', { tables: [dead(2000)] }, /events has 2,000 dead rows after the load, beside 10,000/],
    ['an idle index', { indexes: [index] }, /1 index of 1 MiB went unread/],
  ])('tells %s', (_, change, message) => {
    expect(messages(change)).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string, Partial<StageEvidence>]>([
    ['estimates of few rows', { plans: [plan(0, 9, 1)] }],
    ['writes, which return nothing', { plans: [plan(0, 100, 1, { node: 'ModifyTable' })] }],
    ['what was never called', { plans: [{ ...plan(1, 1, 1), counted: { calls: 0, rows: 0, executionMs: 0 } }] }],
    ['what nobody counted', { plans: [{ transaction: 't', statement: 's', steps: [scan(9000)] }] }],
    ['a share of a handful of blocks', { database: { ...quiet.database, blocksHit: 9, blocksRead: 90 } }],
    ['tables that were not measured', { tables: [{ ...dead(5000), table: 'later' }] }],
    ['indexes that hold a constraint', { indexes: [{ ...index, constraint: true }] }],
  ])('says nothing of %s', (_, change) => {
    expect(messages(change)).toEqual([]);
  });

  it('is told in the report, hostile names as text', async () => {
    const hostile = { ...plan(1, 100, 1), transaction: '<img src=x>|`' };
    const { markdown } = await renderMarkdown({ ...buildResult(), evidence: [{ ...quiet, plans: [hostile] }] });
    expect(markdown).toContain('### To look at');
    expect(markdown).not.toContain('<img');
  });
});
