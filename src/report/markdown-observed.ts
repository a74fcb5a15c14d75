/** What the server itself counted under the load: where its time went, what the indexes were worth, how tables were read. */
import type { IndexUse, PlanChoice, StageEvidence, TableAccess } from '../observe/record.ts';
import type { Block, RunResult } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import { formatBytes, formatCount, formatPlural, formatShare } from './format.ts';
import { findings } from './markdown-findings.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** As many rows of a table as a reader wants to see. */
const mostRows = 15;

/** The section; '' without evidence. */
export function renderObserved(result: RunResult): string {
  const { evidence = [] } = result;
  if (evidence.length === 0) return '';
  const parts = [
    '## What the server did',
    overview(result, evidence),
    findings(result),
    ...evidence.map((own) => details(`${escapeText(own.stage)}: what sessions waited for`, waitTable(own))),
    ...evidence.map((own) => blockedTable(own)),
    ...evidence.map((own) => unusedIndexes(own)),
    ...evidence.map((own) => details(`${escapeText(own.stage)}: access to tables`, tableTable(own.tables))),
    ...evidence.map((own) => details(`${escapeText(own.stage)}: use of indexes`, indexTable(own.indexes))),
    gaps(evidence),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

interface Row {
  name: string;
  of: (evidence: StageEvidence, runs: number, block: Block | undefined) => string;
}

const overviewRows: Row[] = [
  {
    name: 'Blocks found in the cache',
    of: ({ database }) => shareOf(database.blocksHit, database.blocksHit + database.blocksRead),
  },
  { name: 'Blocks a transaction', of: ({ database }, runs) => perRun(database.blocksHit + database.blocksRead, runs) },
  { name: 'WAL a transaction', of: ({ wal }, runs) => (runs === 0 ? '' : formatBytes(Math.round(wal.bytes / runs))) },
  { name: 'Full-page images', of: ({ wal }) => formatCount(wal.fullPageImages) },
  {
    name: 'Updates without new index entries (HOT)',
    of: ({ tables }) => shareOf(sum(tables, 'hotUpdated'), sum(tables, 'updated')),
  },
  { name: 'Rows read by sequential scans', of: ({ tables }) => formatCount(sum(tables, 'seqRows')) },
  {
    name: 'Temporary files',
    of: ({ database }) => `${formatCount(database.tempFiles)} (${formatBytes(database.tempBytes)})`,
  },
  {
    name: 'Statements planned for the parameters of each call',
    of: (_evidence, _runs, block) => customShare(block?.planChoices),
  },
  { name: 'Deadlocks', of: ({ database }) => formatCount(database.deadlocks) },
  { name: 'Most of the time', of: busiest },
];

function overview(result: RunResult, evidence: readonly StageEvidence[]): string {
  const blocks = evidence.map(({ stage }) => figuresOf(result, stage)?.mainBlock);
  const rows = overviewRows
    .map(({ name, of }) => [name, ...evidence.map((own, at) => of(own, blocks[at]?.counts.succeeded ?? 0, blocks[at]))])
    .filter(([, ...cells]) => cells.some((cell) => cell !== ''));
  return table(['', ...evidence.map(({ stage }) => toRight(escapeText(stage)))], rows);
}

/** Custom plans, of all calls of prepared statements. */
function customShare(choices: readonly PlanChoice[] = []): string {
  const [custom, generic] = [sum(choices, 'custom'), sum(choices, 'generic')];
  return custom + generic === 0 ? '' : shareOf(custom, custom + generic);
}

function shareOf(part: number, whole: number): string {
  return whole === 0 ? '' : formatShare(part / whole);
}

function perRun(amount: number, runs: number): string {
  return runs === 0 ? '' : (amount / runs).toFixed(1);
}

function sum<Key extends string>(rows: readonly Record<Key, number>[], key: Key): number {
  return rows.reduce((total, own) => total + own[key], 0);
}

/** Where sessions were seen most often, and how much of all that was. */
function busiest({ waits }: StageEvidence): string {
  const all = waits.shares.reduce((total, { seen }) => total + seen, 0);
  const [first] = waits.shares;
  return first === undefined ? 'idle' : `${escapeText(first.event)} (${formatShare(first.seen / all)})`;
}

function waitTable({ waits }: StageEvidence): string {
  if (waits.shares.length === 0) return `No session was busy at any of ${formatPlural(waits.looks, 'look')}.`;
  const rows = waits.shares
    .slice(0, mostRows)
    .map(({ event, seen }) => [escapeText(event), (seen / waits.looks).toFixed(2)]);
  return table(['Waited for', toRight('Sessions at a time')], rows);
}

function blockedTable({ stage, waits, blocked = [] }: StageEvidence): string {
  if (blocked.length === 0) return '';
  const rows = blocked
    .slice(0, mostRows)
    .map((own) => [escapeText(own.blocked), escapeText(own.blocker), (own.seen / waits.looks).toFixed(2)]);
  const header = ['Waited for a lock', 'Which this one had, or queued for before', toRight('Pairs at a time')];
  return details(`${escapeText(stage)}: who waited for whose locks`, table(header, rows));
}

/** An index that nothing read costs every write and serves no one here; another that another covers may go as well. */
function unusedIndexes({ stage, indexes }: StageEvidence): string {
  const idle = indexes.filter(({ scans, constraint }) => scans === 0 && !constraint);
  const covered = indexes.filter(({ coveredBy, constraint }) => coveredBy !== undefined && !constraint);
  const all = [...new Set([...idle, ...covered])].sort((a, b) => b.bytes - a.bytes);
  if (all.length === 0) return '';
  const bytes = all.reduce((total, own) => total + own.bytes, 0);
  const rows = all.map(({ table: of, index, scans, bytes: size, coveredBy }) => [
    escapeText(index),
    escapeText(of),
    formatBytes(size),
    scans === 0 ? 'never read' : `read ${formatCount(scans)} times`,
    coveredBy === undefined ? '' : escapeText(coveredBy),
  ]);
  const summary = `${escapeText(stage)}: ${formatPlural(all.length, 'index', 'indexes')} of ${formatBytes(bytes)} that this load does not need`;
  return details(summary, table(['Index', 'On', toRight('Size'), 'In this load', 'Covered by'], rows));
}

function tableTable(tables: readonly TableAccess[]): string {
  const rows = tables
    .toSorted((a, b) => b.seqRows + b.indexScans - (a.seqRows + a.indexScans))
    .slice(0, mostRows)
    .map((own) => [
      escapeText(own.table),
      ...[own.seqScans, own.seqRows, own.indexScans, own.inserted, own.updated].map(formatCount),
      shareOf(own.hotUpdated, own.updated),
      ...[own.deleted, own.deadRows].map(formatCount),
      own.freeShare === undefined ? '' : formatShare(own.freeShare + (own.deadShare ?? 0)),
      formatCount(own.autovacuums),
    ]);
  const columns = [
    'Sequential scans',
    'Rows they read',
    'Index scans',
    'Inserted',
    'Updated',
    'HOT',
    'Deleted',
    'Dead rows',
    'Free or dead space',
    'Autovacuums',
  ];
  return table(['Table', ...columns.map(toRight)], rows);
}

function indexTable(indexes: readonly IndexUse[]): string {
  const rows = indexes
    .toSorted((a, b) => b.scans - a.scans || b.bytes - a.bytes)
    .map((own) => [
      escapeText(own.index),
      escapeText(own.table),
      formatCount(own.scans),
      own.scans === 0 ? '' : (own.entriesRead / own.scans).toFixed(1),
      formatBytes(own.bytes),
      own.leafDensity === undefined ? '' : formatShare(own.leafDensity),
      own.constraint ? 'yes' : '',
    ]);
  const figures = ['Scans', 'Entries a scan', 'Size', 'Leaf pages full'];
  return table(['Index', 'On', ...figures.map(toRight), 'Holds a constraint'], rows);
}

function gaps(evidence: readonly StageEvidence[]): string {
  const all = [...new Set(evidence.flatMap((own) => own.gaps))];
  return all.length === 0 ? '' : `Not told by this version of PostgreSQL: ${all.map(escapeText).join('; ')}.`;
}
