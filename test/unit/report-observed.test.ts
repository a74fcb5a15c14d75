import { describe, expect, it } from 'vitest';
import type { IndexUse, StageEvidence } from '../../src/observe/record.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { buildResult } from './result-fixture.ts';

const index = (change: Partial<IndexUse>): IndexUse => ({
  table: 'events',
  index: 'events_time',
  scans: 10,
  entriesRead: 25,
  bytes: 2 ** 20,
  constraint: false,
  ...change,
});

function evidence(stage: string, change: Partial<StageEvidence> = {}): StageEvidence {
  return {
    stage,
    tables: [
      {
        table: 'events',
        seqScans: 2,
        seqRows: 9000,
        indexScans: 40,
        inserted: 5,
        updated: 8,
        hotUpdated: 6,
        deleted: 0,
        autovacuums: 1,
        deadRows: 3,
      },
    ],
    indexes: [
      index({}),
      index({ index: 'events_never', scans: 0, bytes: 3 * 2 ** 20 }),
      index({ index: 'events_pkey', scans: 0, constraint: true }),
      index({ index: 'events_twice', coveredBy: 'events_time' }),
    ],
    waits: {
      looks: 100,
      shares: [
        { event: 'Lock: tuple', seen: 30 },
        { event: 'running', seen: 10 },
      ],
    },
    database: { blocksHit: 90, blocksRead: 10, tempFiles: 1, tempBytes: 2048, deadlocks: 0 },
    wal: { records: 40, fullPageImages: 4, bytes: 4096 },
    gaps: [],
    ...change,
  };
}

const rendered = async (...all: StageEvidence[]) =>
  (await renderMarkdown({ ...buildResult(), evidence: all })).markdown;

describe('what the server did', () => {
  it('sets the stages side by side', async () => {
    const markdown = await rendered(evidence('before'), evidence('after'));
    expect(markdown).toContain('| Blocks found in the cache | 90 % | 90 % |');
    expect(markdown).toContain('| Updates without new index entries (HOT) | 75 % | 75 % |');
    expect(markdown).toContain('| Most of the time | Lock: tuple (75 %) |');
    expect(markdown).toContain('| Lock: tuple | 0.30 |');
  });

  it('names indexes that the load does not need, and spares those that hold a constraint', async () => {
    const markdown = await rendered(evidence('after'));
    expect(markdown).toContain('after: 2 indexes of 4 MiB that this load does not need');
    expect(markdown).toMatch(/\| events_never \| events \| 3 MiB \| never read \|/);
    expect(markdown).toMatch(/\| events_twice \| events \| 1 MiB \| read 10 times \| events_time \|/);
    const unneeded = markdown.slice(markdown.indexOf('does not need'), markdown.indexOf('access to tables'));
    expect(unneeded).not.toContain('events_pkey');
  });

  it('tells who waited for whose locks, where somebody did', async () => {
    const blocked = [{ blocked: 'post.entry', blocker: 'autovacuum worker', seen: 25 }];
    const markdown = await rendered(evidence('before'), evidence('after', { blocked }));
    expect(markdown).toMatch(/\| post\\?\.entry \| autovacuum worker \| 0\.25 \|/);
    expect(markdown).not.toContain('before: who waited');
  });

  it('tells what the version does not', async () => {
    expect(await rendered(evidence('after', { gaps: ['I/O by actor: from PostgreSQL 16 on'] }))).toContain(
      'Not told by this version of PostgreSQL: I/O by actor',
    );
  });

  it('is left out of results that have none, and escapes names', async () => {
    expect((await renderMarkdown(buildResult())).markdown).not.toContain('What the server did');
    const hostile = index({ index: '"<b>|x"', scans: 0 });
    expect(await rendered(evidence('after', { indexes: [hostile] }))).not.toContain('<b>');
  });

  it('divides by nothing where nothing ran', async () => {
    const idle = evidence('nowhere', {
      tables: [],
      waits: { looks: 5, shares: [] },
      database: { blocksHit: 0, blocksRead: 0, tempFiles: 0, tempBytes: 0, deadlocks: 0 },
    });
    const markdown = await rendered(idle);
    expect(markdown).not.toMatch(/NaN|Infinity/);
    expect(markdown).toContain('No session was busy');
  });
});
