import { describe, expect, it } from 'vitest';
import { timeParts } from '../../src/report/markdown-time-parts.ts';
import { buildResult } from './result-fixture.ts';

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

  it('say nothing of first bytes that were not noted, nor of a result without blocks', () => {
    expect(rowsOf(timeParts(buildResult()))).not.toContainEqual(expect.arrayContaining(['first byte, from the send']));
    expect(timeParts({ blocks: [] })).toBe('');
  });
});
