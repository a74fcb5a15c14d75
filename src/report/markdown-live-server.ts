/** What the server shows of a migration under load, for its report. */
import type { LiveRepeat, ServerEvidence } from '../live-migration/record.ts';
import { formatBytes, formatCount, formatMs } from './format.ts';
import { codeBlock, escapeText } from './markdown-text.ts';

/** A list of what is worth a word; empty for older results. */
export function renderServerEvidence({ server }: LiveRepeat): string {
  if (server === undefined) return '';
  const lines = [
    ...server.rewritten.map((name) => `${escapeText(name)} was written anew, file and all`),
    ...server.readWhole.map(
      ({ table, bytes }) =>
        `${escapeText(table)} (${formatBytes(bytes)}) was read from end to end, which the load does not do`,
    ),
    ...server.deadRows.map(
      ({ table, before, after }) =>
        `${escapeText(table)} has ${formatCount(after)} dead rows, ${formatCount(before)} when it began`,
    ),
    describeWal(server),
    ...describeDisk(server),
    server.replica === undefined
      ? 'replica: none was attached, its lag is not measured'
      : `replica: at most ${formatMs(server.replica.mostMs)} and ${formatBytes(server.replica.mostBytes)} behind`,
  ];
  return [
    '## What the server shows',
    lines.map((line) => `- ${line}`).join('\n'),
    ...server.plans.map(describePlan),
  ].join('\n\n');
}

function describeWal({ wal }: ServerEvidence): string {
  return `write-ahead log: at most ${formatBytes(wal.mostPerSecond)}/s while it ran, ${formatBytes(wal.usualPerSecond)}/s by the load alone`;
}

function describeDisk({ disk }: ServerEvidence): string[] {
  if (disk === undefined) return [];
  const more = Math.max(0, disk.mostBytes - disk.beforeBytes);
  return [
    `disk: at most ${formatBytes(disk.mostBytes)} for data, log and temporary files, ${formatBytes(more)} more than when it began`,
  ];
}

function describePlan({ transaction, statement, before, after }: ServerEvidence['plans'][number]): string {
  const place = `${escapeText(transaction)}, ${escapeText(statement)}`;
  if (after === undefined) return `The statement ${place} cannot be planned any more.`;
  return `The plan of ${place} changed:\n\n${codeBlock(`before: ${before}\nafter:  ${after}`)}`;
}
