/** The report of a migration under load: one page for who releases it. */
import { adviceFor, measuredOf, worstOf, type Measured } from '../live-migration/advice.ts';
import type { Adversary, Finding, KillKind, KillPoint, LiveMigration, LiveRepeat } from '../live-migration/record.ts';
import type { RunResult } from '../result.ts';
import { formatBytes, formatCount, formatMs, formatPlural, formatShare } from './format.ts';
import { renderServerEvidence } from './markdown-live-server.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';
import { median } from '../stats/median.ts';

/** Parts in the order of the report, below verdict and gates. */
export function renderLiveMigration({ load, slo }: RunResult, live: LiveMigration, chart: string): string[] {
  const { repeats, downs = [] } = live;
  if (repeats.length === 0) return ['No repeat was finished.'];
  const worst = worstOf(repeats)!;
  return [
    describeSetting(live, load.ratePerSecond),
    chart,
    repeatTable(repeats, slo.limitMs),
    '## Statements of the worst repeat',
    statementTable(worst, live),
    adviceList(live),
    findingTable(live),
    lockTable(worst),
    renderServerEvidence(worst),
    leftovers(worst),
    ...(downs.length === 0 ? [] : wayBack(downs, slo.limitMs)),
    killPointTable(live),
    deadlockTable(live),
    projectionTable(live),
  ];
}

function wayBack(downs: readonly LiveRepeat[], limitMs: number): string[] {
  const worst = worstOf(downs)!;
  return [
    '## The way back',
    'The down files inside of the same load, after it had recovered.',
    repeatTable(downs, limitMs),
    statementTable(worst, { quietMs: {} }),
    leftovers(worst),
  ];
}

/** Where the new statements take over. */
function handover(repeats: readonly LiveRepeat[]): string {
  const version = repeats.find(({ takeOver }) => takeOver !== undefined)?.takeOver?.version;
  return version === undefined ? '' : `, from version ${escapeText(version)} on of the new statements`;
}

const besides: Record<Adversary, string> = {
  reader: 'a reader in an open transaction',
  writer: 'a writer in an open transaction',
  copy: 'a COPY that goes on',
  autovacuum: 'a VACUUM that goes on',
};

function describeAdversary(adversary: Adversary | 'each'): string {
  return adversary === 'each' ? `nobody, and then ${Object.values(besides).join(', or ')}` : besides[adversary];
}

function describeSetting({ from, to, adversary, lockWait, repeats }: LiveMigration, ratePerSecond: number): string {
  const beside =
    adversary === undefined ? '' : `, beside ${describeAdversary(adversary)} on each table that it touches`;
  const patience =
    lockWait === undefined
      ? 'without a lock_timeout'
      : `with a lock_timeout of ${formatMs(lockWait.timeoutMs)} and ${formatPlural(lockWait.attempts, 'attempt')} for each file`;
  return (
    `From "${escapeText(from)}" to "${escapeText(to)}" under ${formatCount(ratePerSecond)} transactions a second of ` +
    `"${escapeText(from)}"${handover(repeats)}, ${patience}${beside}; ${formatPlural(repeats.length, 'repeat')} from fresh clones, the worst is judged.`
  );
}

function repeatTable(repeats: readonly LiveRepeat[], limitMs: number): string {
  const columns = [
    'Migration',
    'Longest stall (usual)',
    'Of reads, of writes',
    `Slower than ${formatMs(limitMs)}`,
    'Lost by users',
    'Failed',
    'Blocked (most at a time)',
    'Recovered after',
    'WAL',
  ];
  const rows = repeats.map(
    ({ migrationStartMs, migrationEndMs, outcome, impact, queue, retries, walBytes, ...repeat }, at) => [
      `${at + 1}${repeat.adversary === undefined ? '' : `, ${repeat.adversary}`}`,
      `${outcome === 'failed' ? 'failed after ' : ''}${formatMs(migrationEndMs - migrationStartMs)}${retries === 0 ? '' : `, ${formatPlural(retries, 'retry', 'retries')}`}`,
      `**${formatMs(impact.longestStallMs)}** (${formatMs(impact.usualStallMs)})`,
      impact.stalls?.map(({ longestMs }) => formatMs(longestMs)).join(', ') ?? '',
      formatCount(impact.pastLimit),
      formatMs(impact.lostMs),
      describeFailures(impact),
      `${formatMs(queue.blockedMs)} (${formatCount(queue.most)})`,
      impact.recoveryMs === undefined ? 'not within the load' : formatMs(impact.recoveryMs),
      formatBytes(walBytes),
    ],
  );
  return table(['Repeat', ...columns.map(toRight)], rows);
}

function describeFailures({ failed, errors }: LiveRepeat['impact']): string {
  if (failed === 0) return '0';
  const codes = Object.entries(errors).map(([code, count]) => `${escapeText(code)}: ${formatCount(count)}`);
  return `**${formatCount(failed)}** (${codes.join(', ')})`;
}

function statementTable({ statements }: LiveRepeat, { quietMs }: Pick<LiveMigration, 'quietMs'>): string {
  const rows = statements.map(({ migration, file, line, text, startMs, endMs, waitedMs, blockers, error }, at) => [
    String(at + 1),
    file === '' ? '' : `${escapeText(file)}:${line}`,
    escapeText(text.length > 120 ? `${text.slice(0, 119)}…` : text),
    `${formatMs(endMs - startMs)}${error === undefined ? '' : `, ${error}`}`,
    waitedMs === 0 ? '' : formatMs(waitedMs),
    blockers.map(escapeText).join(', '),
    quietMs[migration] === undefined ? '' : formatMs(quietMs[migration]),
  ]);
  const columns = [toRight('Took'), toRight('Waited'), 'For', toRight('Whole file on a quiet clock')];
  return table([toRight('No.'), 'Where', 'Statement', ...columns], rows);
}

function adviceList(live: LiveMigration): string {
  const lines = adviceFor(live).map(
    ({ statement, advice }) => `- ${escapeText(statement.file)}:${statement.line}: ${escapeText(advice)}`,
  );
  return lines.length === 0 ? '' : `## What would help\n\n${lines.join('\n')}`;
}

/** What was known beforehand, confirmed or cleared by what happened. */
function findingTable(live: LiveMigration): string {
  const { findings, squawk } = live;
  const measured = findings.filter(({ unmeasured }) => !unmeasured);
  const absent = squawk !== undefined && 'absent' in squawk ? escapeText(squawk.absent) : '';
  const parts = [measured.length === 0 ? '' : findingRows(measured, live), squawkRemarks(findings), absent].filter(
    (part) => part !== '',
  );
  return parts.length === 0 ? '' : ['## Known to hurt', ...parts].join('\n\n');
}

function findingRows(findings: readonly Finding[], live: LiveMigration): string {
  const rows = findings.map((finding) => [
    `${escapeText(finding.file)}:${finding.line}`,
    finding.by ?? 'pgrehearse',
    `${escapeText(finding.rule)}${describeExposure(finding)}`,
    describeMeasured(measuredOf(finding, live)!),
    escapeText(finding.advice),
  ]);
  return table(['Where', 'Who warns', 'By its text', 'Measured', 'What helps'], rows);
}

function describeExposure({ exposure }: Finding): string {
  if (exposure === undefined) return '';
  const { table: name, rows, share } = exposure;
  const size = rows === undefined ? '' : `${formatCount(rows)} rows, `;
  return ` (${escapeText(name)}: ${size}in ${formatShare(share)} of the transactions)`;
}

function describeMeasured({ confirmed, stallMs, blockedMs }: Measured): string {
  const figures = [
    ...(stallMs === undefined ? [] : [`measured stall ${formatMs(Math.round(stallMs))}`]),
    ...(blockedMs === 0 ? [] : [`sessions blocked for ${formatMs(blockedMs)}`]),
  ];
  const seen = figures.length === 0 ? '' : `: ${figures.join(', ')}`;
  return confirmed ? `**confirmed**${seen}` : `cleared${seen === '' ? ': hardly felt here' : seen}`;
}

/** Warnings that a load neither confirms nor clears. */
function squawkRemarks(findings: readonly Finding[]): string {
  const remarks = findings.filter(({ unmeasured }) => unmeasured);
  if (remarks.length === 0) return '';
  const rows = remarks.map(({ file, line, name = '', rule, advice }) => [
    `${escapeText(file)}:${line}`,
    escapeText(name),
    escapeText(`${rule} ${advice}`),
  ]);
  return details(
    `${formatPlural(remarks.length, 'remark')} of squawk that no load confirms or clears`,
    table(['Where', 'Rule', 'What it says'], rows),
  );
}

function lockTable({ locks, migrationStartMs, migrationEndMs }: LiveRepeat): string {
  if (locks.length === 0) return '';
  const whole = Math.max(1, migrationEndMs - migrationStartMs);
  const rows = locks.map(({ relation, mode, heldMs }) => [
    escapeText(relation),
    escapeText(mode),
    formatMs(heldMs),
    formatShare(Math.min(1, heldMs / whole)),
  ]);
  return details(
    'Locks that it held, seen every 20 ms',
    table(['On', 'Mode', toRight('For'), toRight('Share of the migration')], rows),
  );
}

function leftovers({ invalidIndexes, unvalidatedConstraints }: LiveRepeat): string {
  const lines = [
    ...invalidIndexes.map((name) => `- the index ${escapeText(name)} is invalid`),
    ...unvalidatedConstraints.map((name) => `- the constraint ${escapeText(name)} is not validated`),
  ];
  return lines.length === 0 ? '' : `## What it left behind\n\n${lines.join('\n')}`;
}

const blows: Record<KillKind, string> = {
  runner: 'kill -9 of the runner',
  session: 'its session ended',
  backend: 'kill -9 of its server process',
};

function killPointTable({ killPoints = [] }: LiveMigration): string {
  if (killPoints.length === 0) return '';
  const columns = ['Blow', 'At', toRight('After'), 'Left behind', 'Mended by', toRight('Recovery took'), 'Then'];
  return (
    `## Ended by force\n\nOn a quiet clone each: schema, bookkeeping, indexes and a checksum of every table are compared with ` +
    `a migration that nobody disturbed.\n\n${table(columns, killPoints.map(killPointRow))}`
  );
}

function killPointRow({ recovery, faults, dataFaults, ...point }: KillPoint): string[] {
  const { kind, file, line, text, afterMs, hit, left, recoveryMs } = point;
  const wrong = [...dataFaults, ...faults].map((fault) => `**${escapeText(fault.split('\n')[0]!)}**`);
  return [
    blows[kind],
    `${escapeText(file)}:${line}, ${escapeText(text.length > 60 ? `${text.slice(0, 59)}…` : text)}`,
    `${formatMs(afterMs)}${hit ? '' : ', too late'}`,
    left.length === 0 ? 'nothing' : left.map(escapeText).join(', '),
    recovery === 'failed' ? '**failed**' : recovery,
    formatMs(recoveryMs),
    wrong.length === 0 ? 'as undisturbed' : wrong.join('; '),
  ];
}

function deadlockTable({ interleavings }: LiveMigration): string {
  if (interleavings === undefined) return '';
  const { first, tried, deadlocks } = interleavings;
  const searched = `${formatPlural(tried, 'interleaving')} from seed ${first}, each under load with other pauses between the statements of the migration`;
  if (deadlocks.length === 0) return `## Deadlocks\n\nNone in ${searched}.`;
  const rows = deadlocks.map(({ seed, victim, migration, other }) => [
    String(seed),
    escapeText(migration),
    escapeText(other),
    victim === 'migration' ? 'the migration' : 'the transaction',
    `\`--interleavings 1 --first-interleaving ${seed}\``,
  ]);
  const columns = ['Seed', 'The migration waits in', 'A transaction waits in', 'The server ended', 'Again'];
  return `## Deadlocks\n\n${searched}.\n\n${table(columns, rows)}`;
}

function projectionTable({ projections = [] }: LiveMigration): string {
  if (projections.length === 0) return '';
  const rows = projections.map(({ migration, table: name, rows: target, runs, exponent, ...estimate }) => {
    const sizes = [...new Set(runs.map((run) => run.rows))];
    return [
      escapeText(migration),
      sizes.map((size) => `${formatCount(size)}: ${formatMs(medianAt(runs, size))}`).join('; '),
      exponent.toFixed(2),
      `${formatCount(target)} of ${escapeText(name)}, ${formatCount(Math.round(target / Math.max(...sizes)))} times as many`,
      `about ${formatMs(estimate.estimateMs)} (${formatMs(estimate.lowMs)} to ${formatMs(estimate.highMs)})`,
    ];
  });
  const columns = ['Median by rows', toRight('Exponent'), toRight('Rows'), toRight('Estimate (90 % interval)')];
  return (
    `## An estimate for more rows\n\nNot measured: a power law through the durations on a quiet clock, from fresh clones. The interval knows the scatter ` +
    `of these runs, and nothing of what changes beyond them, such as data that no longer fits into memory.\n\n${table(['Migration', ...columns], rows)}`
  );
}

function medianAt(runs: readonly { rows: number; durationMs: number }[], size: number): number {
  return median(runs.filter(({ rows }) => rows === size).map(({ durationMs }) => durationMs));
}
