import { describe, expect, it } from 'vitest';
import { timeParts } from '../../src/report/markdown-time-parts.ts';
import { buildResult } from './result-fixture.ts';

const quietEvidence = {
  tables: [],
  indexes: [],
  database: { blocksHit: 0, blocksRead: 0, tempFiles: 0, tempBytes: 0, deadlocks: 0 },
  wal: { records: 0, fullPageImages: 0, bytes: 0 },
  gaps: [],
};

/** Sessions by the age of their statements; the oldest classes have none. */
const seenByAge = (...seen: number[]) => [...seen, ...Array<number>(16 - seen.length).fill(0)];

/** Cells of the rows of the first stage. */
function rowsOf(markdown: string): string[][] {
  const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) => line.split('|').map((cell) => cell.trim()));
}

describe('the parts of the response time', () => {
  it('are told apart for each stage: the generator, the wait, the first byte, the service', () => {
    const { blocks } = buildResult();
    const [block] = blocks;
    const times = { ...block!.total.service, p50Us: 1100, p95Us: 2200, p99Us: 3300, maxUs: 4400 };
    block!.total.firstByte = times;
    const rows = rowsOf(timeParts({ blocks: [block!] }));
    expect(rows.map(([, stage, name]) => [stage, name])).toEqual([
      [block!.stage, 'response, from due to end'],
      ['', 'wait, from due to the send'],
      ['', 'of it the generator was late by'],
      ['', 'first byte, from the send'],
      ['', 'service, from the send to the end'],
    ]);
    expect(rows[3]!.slice(3, 7)).toEqual(['1.1 ms', '2.2 ms', '3.3 ms', '4.4 ms']);
  });

  it('are told with the priority that the generator had', () => {
    const { blocks } = buildResult();
    expect(timeParts({ blocks })).not.toContain('The load generator');
    blocks.at(-1)!.generator.niceness = -8;
    expect(timeParts({ blocks })).toContain('had more weight than other processes of the machine (niceness -8).');
    blocks.at(-1)!.generator.realTime = true;
    expect(timeParts({ blocks })).toContain('ran before all other processes of the machine (real-time scheduling).');
  });

  it('are told of the last stage in a sentence, with what its sessions waited for', () => {
    const { blocks } = buildResult();
    const last = blocks.at(-1)!;
    last.total.wait.meanUs = 250;
    last.total.response.meanUs = 1000;
    const shares = [
      { event: 'IO: DataFileRead', seen: 30 },
      { event: 'running', seen: 50 },
      { event: 'IO: WALSync', seen: 10 },
      { event: 'Lock: tuple', seen: 10 },
    ];
    const told = (seen: typeof shares) =>
      timeParts({ blocks, evidence: [{ ...quietEvidence, stage: last.stage, waits: { looks: 99, shares: seen } }] });
    expect(told(shares)).toContain(
      'Of the mean response time of "after", 25 % went by before the send. While the server was at work, ' +
        'its sessions were running 50 %, waited for a disk 40 %, waited for locks of others 10 % of the time.',
    );
    expect(told([])).not.toContain('Of the mean');
    expect(timeParts({ blocks })).not.toContain('Of the mean');
  });

  it('are those of the responses near p95 where these are known, with the waits of statements that took as long', () => {
    const { blocks } = buildResult();
    const last = blocks.at(-1)!;
    last.nearP95 = { arrivals: 60, lateUs: 100, poolUs: 900, serverUs: 8800, restUs: 200 };
    const shares = [
      { event: 'running', seen: 900, seenByAge: seenByAge(500, 300, 90, 5, 5) },
      { event: 'Lock: tuple', seen: 40, seenByAge: seenByAge(0, 0, 0, 0, 40) },
    ];
    const told = (seen: typeof shares) =>
      timeParts({ blocks, evidence: [{ ...quietEvidence, stage: last.stage, waits: { looks: 99, shares: seen } }] });
    const parts =
      'Of a response time near the p95 of "after" (10 ms on average), 88 % went by until the first byte of the answer, ' +
      '2 % from there to its end, further statements included, 9 % before that in the queue for a connection, 1 % in the load generator.';
    expect(told(shares)).toContain(
      `${parts} While the server was at work on statements of 8 ms and more, ` +
        'its sessions waited for locks of others 89 %, were running 11 % of the time.',
    );
    // Too few were seen that took so long.
    const quick = shares.map((own) => ({ ...own, seenByAge: seenByAge(own.seen) }));
    expect(told(quick)).toContain(`${parts} While the server was at work, its sessions were running 95.7 %`);
    expect(timeParts({ blocks })).toContain(parts);
  });

  it('say nothing of first bytes that were not noted, nor of a result without blocks', () => {
    expect(rowsOf(timeParts(buildResult()))).not.toContainEqual(expect.arrayContaining(['first byte, from the send']));
    expect(timeParts({ blocks: [] })).toBe('');
  });
});
