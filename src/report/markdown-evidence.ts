/** The second half of report.md: claims, correctness, what was run, and how to run it again. */
import type {
  AnswerComparison,
  ClaimOutcome,
  Host,
  InvariantOutcome,
  RunResult,
  SeedSummary,
  StageResult,
} from '../result.ts';
import { describeClaims, describePromise, formatClaimed } from './comparison.ts';
import {
  describeShape,
  formatBytes,
  formatCount,
  formatInstant,
  formatMs,
  formatPlural,
  formatRate,
} from './format.ts';
import { hasDatabases } from './markdown-service.ts';
import { codeBlock, details, escapeText, table, toRight } from './markdown-text.ts';

/** Sections in the order of the report; empty ones are ''. */
export function renderEvidence(result: RunResult): string[] {
  return [
    claims(result.claims),
    correctness(result),
    errors(result),
    environment(result),
    settings(result.stages),
    migrations(result.stages),
    relations(result.stages),
    phases(result),
    reproduction(result),
  ];
}

function claims(list: readonly ClaimOutcome[]): string {
  if (list.length === 0) return '';
  const rows = list.map((claim) => [
    escapeText(claim.text),
    escapeText(claim.source),
    escapeText(claim.stage),
    describePromise(claim),
    claim.measured === undefined ? '' : formatClaimed(claim, claim.measured),
    `**${claim.outcome}**${claim.note === undefined ? '' : `: ${escapeText(claim.note)}`}`,
  ]);
  return [
    '## Claims',
    describeClaims(list),
    table(['Claim', 'Source', 'Stage', toRight('Promised'), toRight('Measured'), 'Outcome'], rows),
  ].join('\n\n');
}

function correctness({ answers, invariants }: RunResult): string {
  if (answers.length === 0 && invariants.length === 0) return '';
  const different = answers.filter((answer) => answer.different > 0);
  const broken = invariants.filter(({ holds }) => !holds);
  const parts = [
    '## Correctness',
    ...different.map((answer) => differenceOf(answer)),
    ...broken.map((invariant) => violationOf(invariant)),
    answers.length === 0 ? '' : details(answerSummary(answers), answerTable(answers)),
    invariants.length === 0 ? '' : details(invariantSummary(invariants), invariantTable(invariants)),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function differenceOf({ transaction, stage, example }: AnswerComparison): string {
  const title = `**${escapeText(transaction)}** answers differently in stage ${escapeText(stage)}.`;
  if (!example) return title;
  const { parameters, before, after } = example;
  return `${title} The first difference:\n\n${codeBlock(`parameters ${parameters}\nbefore     ${before}\nafter      ${after}`)}`;
}

function violationOf({ name, stage, when, description, violations }: InvariantOutcome): string {
  const title = `Invariant **${escapeText(name)}** is broken in stage ${escapeText(stage)} (${when}): ${escapeText(description)}.`;
  return violations === undefined ? title : `${title}\n\n${codeBlock(violations, 'json')}`;
}

function answerSummary(answers: readonly AnswerComparison[]): string {
  const sum = (key: 'compared' | 'different' | 'unanswered') =>
    answers.reduce((total, answer) => total + answer[key], 0);
  const unanswered = sum('unanswered');
  const late = unanswered > 0 ? `, ${formatCount(unanswered)} not answered in time` : '';
  return `Answers: ${formatCount(sum('compared'))} compared, ${formatCount(sum('different'))} different${late}`;
}

function answerTable(answers: readonly AnswerComparison[]): string {
  return table(
    ['Transaction', 'Stage', toRight('Compared'), toRight('Different'), toRight('Not answered in time'), 'Declared'],
    answers.map(({ transaction, stage, compared, different, unanswered, declared }) => [
      escapeText(transaction),
      escapeText(stage),
      formatCount(compared),
      formatCount(different),
      formatCount(unanswered),
      declared === undefined ? '' : `may differ: ${escapeText(declared)}`,
    ]),
  );
}

function invariantSummary(invariants: readonly InvariantOutcome[]): string {
  const broken = invariants.filter(({ holds }) => !holds).length;
  return `Invariants: ${formatPlural(invariants.length, 'check')}, ${formatCount(broken)} broken`;
}

function invariantTable(invariants: readonly InvariantOutcome[]): string {
  return table(
    ['Invariant', 'Stage', 'When', 'Holds', toRight('Took')],
    invariants.map(({ name, description, stage, when, holds, durationMs }) => [
      `${escapeText(name)}: ${escapeText(description)}`,
      escapeText(stage),
      when,
      holds ? 'yes' : '**no**',
      formatMs(durationMs),
    ]),
  );
}

/** Errors that the server or the driver gave, with one example each. */
function errors(result: RunResult): string {
  const rows = result.blocks.flatMap((block) =>
    block.transactions.flatMap(({ name, errors }) =>
      Object.entries(errors).map(([code, { count, example }]) => [
        escapeText(block.stage),
        escapeText(name),
        escapeText(code),
        formatCount(count),
        escapeText(example),
      ]),
    ),
  );
  if (rows.length === 0) return '';
  return ['## Errors', table(['Stage', 'Transaction', 'Code', toRight('Count'), 'Example'], rows)].join('\n\n');
}

function environment(result: RunResult): string {
  const { scenario, seed, server, host, tool } = result;
  const rows = [
    ['Scenario', `${escapeText(scenario.name)}: ${escapeText(scenario.description)}`],
    ['Load', describeLoad(result)],
    ...(hasDatabases(result)
      ? [
          ['Data', seed ? describeData(seed) : 'not seeded'],
          ['PostgreSQL', `${escapeText(server.version)} (${escapeText(server.kind)})`],
        ]
      : []),
    ['Host', describeHost(host)],
    ['Tool', `pgrehearse ${escapeText(tool.version)}, Node ${escapeText(tool.node)}`],
    ['Run', `${escapeText(result.id)}, ${formatInstant(result.startedAt)}, ${result.status}`],
  ];
  return ['## What was run', table(['', ''], rows), stageTable(result)].join('\n\n');
}

function describeLoad({ load, stages }: RunResult): string {
  const { ratePerSecond, arrivals, durationMs, warmupMs, statementTimeoutMs, prepared = true, shape } = load;
  return (
    `${formatRate(ratePerSecond)}, ${arrivals} arrivals, ${formatMs(durationMs)} after ${formatMs(warmupMs)} of warm-up, ` +
    (stages.some(({ service }) => service !== undefined)
      ? `answers given up after ${formatMs(statementTimeoutMs)}`
      : `statements ${prepared ? '' : 'parsed each time, '}cancelled after ${formatMs(statementTimeoutMs)}`) +
    (load.keepCoresAwake === true ? '; idle cores were kept awake' : '') +
    (shape === undefined ? '' : `; the rate is a mean, its shape ${describeShape(shape)}`)
  );
}

function describeData({ rows, bytes, scale, seed, asOf }: SeedSummary): string {
  return (
    `${formatPlural(rows, 'row')}, ${formatBytes(bytes)} by COPY; ` +
    `scale ${scale}, seed ${seed}, as of ${formatInstant(asOf)}`
  );
}

function describeHost({ cpuModel, cores, memoryBytes, memoryLimitBytes, os, kernel, arch }: Host): string {
  const limit = memoryLimitBytes === undefined ? '' : `, limited to ${formatBytes(memoryLimitBytes)}`;
  const memory = `${formatBytes(memoryBytes)} memory${limit}`;
  return `${escapeText(cpuModel)}, ${formatPlural(cores, 'core')}, ${memory}, ${escapeText(`${os}, ${kernel}, ${arch}`)}`;
}

function stageTable(result: RunResult): string {
  const { stages, load } = result;
  if (stages.length === 0) return 'No stage was run.';
  if (!hasDatabases(result)) {
    return table(
      ['Stage', 'What it is'],
      stages.map(({ name, description }) => [escapeText(name), escapeText(description)]),
    );
  }
  return table(
    ['Stage', 'What it is', 'Migrations up to', 'Profile', toRight('Connections'), toRight('Database size'), 'Data'],
    stages.map((stage) => [
      escapeText(stage.name),
      escapeText(stage.description),
      escapeText(stage.migrations),
      escapeText(stage.profile),
      formatCount(stage.connections ?? load.connections),
      formatBytes(stage.databaseBytes),
      stage.cached ? 'from the cache' : 'built in this run',
    ]),
  );
}

/** Settings that differ from PostgreSQL's defaults in at least one stage. */
function settings(stages: readonly StageResult[]): string {
  const names = [...new Set(stages.flatMap((stage) => stage.settings.map(({ name }) => name)))].toSorted();
  if (names.length === 0) return '';
  const rows = names.map((name) => {
    const found = stages.map((stage) => stage.settings.find((setting) => setting.name === name));
    const { reason = '', source } = found.findLast((setting) => setting !== undefined) ?? {};
    const values = found.map((setting) => (setting ? escapeText(setting.value) : 'default'));
    return [escapeText(name)].concat(values, escapeText(source === undefined ? reason : `${reason} (${source})`));
  });
  const columns = ['Setting', ...stages.map(({ name }) => escapeText(name)), 'Reason'];
  return details(`Settings that differ from PostgreSQL's defaults: ${rows.length}`, table(columns, rows));
}

function migrations(stages: readonly StageResult[]): string {
  const rows = stages.flatMap((stage) =>
    stage.applied.map(({ version, name, durationMs, statements, sha256 }) => [
      escapeText(stage.name),
      escapeText(`${version} ${name}`),
      formatCount(statements),
      formatMs(durationMs),
      escapeText(sha256.slice(0, 12)),
    ]),
  );
  if (rows.length === 0) return '';
  const columns = ['Stage', 'Migration', toRight('Statements'), toRight('Took'), 'SHA-256'];
  return details(`Migrations applied after the baseline: ${rows.length}`, table(columns, rows));
}

function relations(stages: readonly StageResult[]): string {
  const rows = stages.flatMap((stage) =>
    stage.relations.map(({ table, rows, heapBytes, indexBytes, totalBytes }) => [
      escapeText(table),
      escapeText(stage.name),
      formatCount(rows),
      ...[heapBytes, indexBytes, totalBytes].map((bytes) => formatBytes(bytes)),
    ]),
  );
  if (rows.length === 0) return '';
  const figures = ['Rows', 'Heap', 'Indexes', 'Total'].map(toRight);
  const sorted = rows.toSorted(([a], [b]) => (a! < b! ? -1 : a! > b! ? 1 : 0));
  return details('Tables: rows and sizes', table(['Table', 'Stage', ...figures], sorted));
}

const phaseNames = {
  server: 'Start the server',
  seed: 'Load the rows',
  index: 'Build indexes and constraints',
  snapshot: 'Keep the snapshot',
  clone: 'Clone',
  migrate: 'Migrate',
  correctness: 'Compare answers, check invariants',
  measure: 'Measure',
  report: 'Report',
};

function phases(result: RunResult): string {
  if (result.phases.length === 0) return '';
  const rows = result.phases.map(({ name, stage, durationMs, detail }) => [
    phaseNames[name],
    escapeText(stage ?? ''),
    formatMs(durationMs),
    escapeText(detail ?? ''),
  ]);
  const columns = ['Phase', 'Stage', toRight('Took'), ''];
  return details(`Wall time: ${wallTime(result)}`, table(columns, rows));
}

function wallTime({ startedAt, finishedAt, phases }: RunResult): string {
  if (finishedAt !== undefined) return formatMs(Date.parse(finishedAt) - Date.parse(startedAt));
  return `${formatMs(phases.reduce((total, { durationMs }) => total + durationMs, 0))} so far`;
}

function reproduction({ command, seed, probe }: RunResult): string {
  const same =
    seed === undefined
      ? ''
      : ` Seed ${seed.seed} and scale ${seed.scale} give the same rows, arrivals and parameters again.`;
  return [
    '## Reproduce',
    codeBlock(command, 'sh'),
    `Every figure is in result.json${probe === undefined ? '; the raw samples of every block are in samples/' : ''}.${same}`,
  ].join('\n\n');
}
