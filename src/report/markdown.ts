/** report.md: what a reviewer reads in a pull request. Verdict first, then the figures, then what stands behind them. */
import type { Block, Counts, Gate, Outcome, RunResult, Verdict, Warning } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import type { StageFigures } from '../stage-figures.ts';
import { judge } from '../verdict.ts';
import { describeChange, describeLosses, rowOf } from './comparison.ts';
import { formatBytes, formatMs, formatRate, formatRatio, formatShare, formatUs } from './format.ts';
import { renderEvidence } from './markdown-evidence.ts';
import { renderCapacity } from './markdown-capacity.ts';
import { renderCalibration } from './markdown-calibration.ts';
import { renderLadder } from './markdown-ladder.ts';
import { serverActivities } from './markdown-activities.ts';
import { backgroundJobs } from './markdown-jobs.ts';
import { byTransaction } from './markdown-latency.ts';
import { outages } from './markdown-outages.ts';
import { readings } from './markdown-readings.ts';
import { renderLiveMigration } from './markdown-live-migration.ts';
import { pools } from './markdown-pool.ts';
import { renderObserved } from './markdown-observed.ts';
import { renderRehearsedSteps } from './markdown-rehearsed.ts';
import { renderPairs } from './markdown-pairs.ts';
import { hasDatabases, renderClosedLoop, renderServices } from './markdown-service.ts';
import { probeTables } from './markdown-probe.ts';
import { escapeText, table, toRight } from './markdown-text.ts';
import { timeParts } from './markdown-time-parts.ts';
import { topologies } from './markdown-topology.ts';
import { renderTuning } from './markdown-tune.ts';
import { renderWhy } from './markdown-why.ts';

/** A report and the files that it refers to, by name. */
export interface MarkdownReport {
  markdown: string;
  /** SVG charts. */
  files: Record<string, string>;
}

/** Renders a result; a result that was never judged is judged here. */
export async function renderMarkdown(result: RunResult): Promise<MarkdownReport> {
  if (result.calibration !== undefined) return { markdown: renderCalibration(result), files: {} };
  if (result.tuning !== undefined) return { markdown: renderTuning(result, result.tuning), files: {} };
  if (result.probe !== undefined) return { markdown: renderProbe(result), files: {} };
  // Loaded here, because worker threads that import a scenario would otherwise wait for ECharts too.
  const { renderCharts } = await import('./charts.ts');
  const files = renderCharts(result);
  const verdict = result.verdict ?? judge(result);
  const parts = [
    ...renderHead(
      result,
      verdict,
      chart(files, 'capacity.svg', 'p95 of the response time of each stage against the rate'),
    ),
    renderLadder(result, chart(files, 'latency-by-stage.svg', 'p95 of each stage beside the limit')),
    renderRehearsedSteps(result),
    ...(result.liveMigration === undefined
      ? []
      : renderLiveMigration(
          result,
          result.liveMigration,
          [
            chart(files, 'migration-over-time.svg', 'slowest response of each tenth of a second'),
            chart(files, 'migration-throughput.svg', 'transactions completed a second'),
          ].join('\n\n'),
        )),
    warnings(result.warnings),
    chart(files, 'latency-by-transaction.svg', 'p95 of each transaction and stage beside the limit'),
    renderServices(result),
    byTransaction(result),
    timeParts(result),
    chart(files, 'latency-percentiles.svg', 'Response time of each stage from the median to the maximum'),
    chart(files, 'latency-over-time.svg', 'p95 of the response time of each stage, second by second'),
    outages(result),
    pools(result),
    topologies(result),
    backgroundJobs(result),
    serverActivities(result),
    chart(files, 'throughput.svg', 'Transactions a second: offered, completed and missed'),
    renderClosedLoop(result),
    readings(result),
    renderWhy(result),
    renderObserved(result),
    ...renderPairs(result, verdict, chart(files, 'pairs.svg', 'p95 of each pair of blocks, as a share of before')),
    ...renderEvidence(result),
  ];
  return { markdown: `${parts.filter((part) => part !== '').join('\n\n')}\n`, files };
}

/** Verdict, key figures and gates: what a comment on a pull request shows. */
export function renderHead(result: RunResult, verdict: Verdict, capacityChart = ''): string[] {
  return [
    heading(result, verdict),
    keyFigures(result),
    ...renderCapacity(result, capacityChart),
    saturationNote(result),
    gates(verdict),
  ].filter((part) => part !== '');
}

const marks: Record<Outcome, string> = {
  pass: '✅ Pass',
  fail: '❌ Fail',
  inconclusive: '❔ Inconclusive',
  invalid: '⛔ Invalid',
};

function heading(result: RunResult, verdict: Verdict): string {
  return `# ${marks[verdict.outcome]}: ${escapeText(result.scenario.title)}\n\n**${escapeText(verdict.reason)}**`;
}

function gates(verdict: Verdict): string {
  return table(
    ['Gate', 'Outcome', 'Why'],
    verdict.gates
      .filter(({ transaction, advisory }) => transaction === undefined || advisory !== true)
      .map((gate) => [gateName(gate), gateMark(gate), escapeText(gate.reason)]),
  );
}

function gateName({ name, transaction }: Gate): string {
  return transaction === undefined ? gateNames[name] : `${gateNames[name]}: ${escapeText(transaction)}`;
}

/** What does not decide says so. */
function gateMark({ outcome, advisory }: Gate): string {
  return advisory === true && outcome !== 'pass' ? `${marks[outcome]} (advice)` : marks[outcome];
}

const gateNames: Record<Gate['name'], string> = {
  validity: 'Validity',
  correctness: 'Correctness',
  work: 'Work',
  'typical-p95': 'Typical p95',
  slo: 'SLO',
  stalls: 'Stalls',
  budget: 'Budget',
};

function chart(files: Record<string, string>, name: string, description: string): string {
  return files[name] === undefined ? '' : `![${description}](${name})`;
}

/** The stages side by side in the few figures that matter most, with the change from the first to the last. */
function keyFigures(result: RunResult): string {
  const stages = result.stages.map(({ name }) => figuresOf(result, name));
  if (stages.every((figures) => figures === undefined)) return '';
  const several = stages.length > 1;
  const rows = keyRows(result).map(({ name, cell, change }) => {
    const cells = stages.map((figures) => (figures ? cell(figures) : 'not measured'));
    const [first, last] = [stages[0], stages.at(-1)];
    return [name].concat(cells, several ? ((first && last && change?.(first, last)) ?? '') : []);
  });
  const sizes = result.stages.map(({ databaseBytes }) => formatBytes(databaseBytes));
  if (hasDatabases(result)) rows.push(['Database size'].concat(sizes, several ? '' : []));
  const names = result.stages.map(({ name }) => toRight(escapeText(name)));
  return table(['', ...names, ...(several ? [toRight('Change')] : [])], rows);
}

interface KeyRow {
  name: string;
  cell: (figures: StageFigures) => string;
  change?: (first: StageFigures, last: StageFigures) => string;
}

function keyRows(result: RunResult): KeyRow[] {
  return [
    { name: 'Rate offered', cell: ({ mainBlock }) => formatRate(mainBlock.ratePerSecond) },
    { name: 'Rate held', cell: heldRate, change: rateChange },
    { name: 'p95 response time', cell: responseP95, change: responseChange },
    {
      name: 'p95 service time',
      cell: ({ mainBlock }) => formatUs(mainBlock.total.service.p95Us),
      change: (first, last) => describeChange('service', rowOf(first.mainBlock), rowOf(last.mainBlock)),
    },
    { name: `Missed ${formatMs(result.slo.limitMs)}`, cell: missCell },
    { name: 'Errors', cell: ({ blocks }) => describeLosses(sumCounts(blocks)) },
    { name: 'Longest time without a completion', cell: longestGap },
  ];
}

function heldRate({ heldPerSecond, saturatedBlock }: StageFigures): string {
  const rate = `**${formatRate(heldPerSecond)}**`;
  if (!saturatedBlock) return rate;
  return `${rate} (saturated after ${formatMs(saturatedBlock.saturation?.atMs ?? saturatedBlock.measuredMs)})`;
}

function rateChange(first: StageFigures, last: StageFigures): string {
  if (first.heldPerSecond === 0 || !(first.saturatedBlock ?? last.saturatedBlock)) return '';
  // A stage that got through was offered no more: it may hold more.
  return `${last.saturatedBlock ? '' : '≥'}${formatRatio(last.heldPerSecond / first.heldPerSecond)}`;
}

function responseP95({ mainBlock, saturatedBlock }: StageFigures): string {
  return saturatedBlock ? 'grew without bound' : `**${formatUs(mainBlock.total.response.p95Us)}**`;
}

function responseChange(first: StageFigures, last: StageFigures): string {
  if (first.saturatedBlock ?? last.saturatedBlock) return '';
  return describeChange('response', rowOf(first.mainBlock), rowOf(last.mainBlock));
}

function longestGap({ blocks }: StageFigures): string {
  return formatMs(Math.max(...blocks.map(({ longestGapMs }) => longestGapMs)));
}

function missCell({ misses }: StageFigures): string {
  if (!misses) return 'no arrival';
  return `${formatShare(misses.value)} (${formatShare(misses.low)} to ${formatShare(misses.high)})`;
}

function sumCounts(blocks: readonly Block[]): Counts {
  const sum = (key: keyof Counts) => blocks.reduce((total, block) => total + block.counts[key], 0);
  return {
    scheduled: sum('scheduled'),
    succeeded: sum('succeeded'),
    failed: sum('failed'),
    timedOut: sum('timedOut'),
    unfinished: sum('unfinished'),
  };
}

function saturationNote(result: RunResult): string {
  const notes = result.stages.flatMap(({ name }) => {
    const figures = figuresOf(result, name);
    if (!figures?.saturatedBlock) return [];
    const { heldPerSecond, saturatedBlock } = figures;
    return [
      `> **${escapeText(name)}** could not hold the rate: ${formatRate(heldPerSecond)} of ${formatRate(saturatedBlock.ratePerSecond)}. ` +
        'Its queue and its response times grew for as long as the load lasted, so service times, without the waiting, ' +
        'are shown where marked †; what was still running at the end counts with its age, so the true times are longer.',
    ];
  });
  return notes.join('\n>\n');
}

/** Nothing is judged: figures of single queries prove nothing about the load. */
function renderProbe(result: RunResult): string {
  const parts = [
    `# Probe: ${escapeText(result.scenario.title)}`,
    ...probeTables(result),
    warnings(result.warnings),
    ...renderEvidence(result),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function warnings(list: readonly Warning[]): string {
  if (list.length === 0) return '';
  const lines = list.map(
    ({ message, advice, stage }) =>
      `- ${stage === undefined ? '' : `${escapeText(stage)}: `}**${escapeText(message)}** ${escapeText(advice)}`,
  );
  return ['## Warnings', lines.join('\n')].join('\n\n');
}
