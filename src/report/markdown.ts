/** report.md: what a reviewer reads in a pull request. Verdict first, then the figures, then what stands behind them. */
import type { Block, Counts, Outcome, RunResult, Verdict, Warning } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import type { StageFigures } from '../stage-figures.ts';
import { judge } from '../verdict.ts';
import { renderCharts } from './charts.ts';
import { describeChange, describeLosses } from './comparison.ts';
import type { LatencyRow } from './comparison.ts';
import { formatBytes, formatCount, formatMs, formatRate, formatRatio, formatShare, formatUs } from './format.ts';
import { renderEvidence } from './markdown-evidence.ts';
import { details, escapeText, table } from './markdown-text.ts';

/** A report and the files that it refers to, by name. */
export interface MarkdownReport {
  markdown: string;
  /** SVG charts. */
  files: Record<string, string>;
}

/** Renders a result; a result that was never judged is judged here. */
export function renderMarkdown(result: RunResult): MarkdownReport {
  const files = renderCharts(result);
  const verdict = result.verdict ?? judge(result);
  const parts = [
    heading(result, verdict),
    keyFigures(result),
    saturationNote(result),
    gates(verdict),
    warnings(result.warnings),
    chart(files, 'latency-by-transaction.svg', 'p95 of each transaction and stage beside the limit'),
    byTransaction(result),
    chart(files, 'latency-over-time.svg', 'p95 of the response time of each stage, second by second'),
    chart(files, 'throughput.svg', 'Transactions a second: offered, completed and missed'),
    ...renderEvidence(result),
  ];
  return { markdown: `${parts.filter((part) => part !== '').join('\n\n')}\n`, files };
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
    verdict.gates.map((gate) => [gateNames[gate.name], marks[gate.outcome], escapeText(gate.reason)]),
  );
}

const gateNames = { validity: 'Validity', correctness: 'Correctness', slo: 'SLO' };

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
  rows.push(['Database size'].concat(sizes, several ? '' : []));
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

function warnings(list: readonly Warning[]): string {
  if (list.length === 0) return '';
  const lines = list.map(
    ({ message, advice, stage }) =>
      `- ${stage === undefined ? '' : `${escapeText(stage)}: `}**${escapeText(message)}** ${escapeText(advice)}`,
  );
  return ['## Warnings', lines.join('\n')].join('\n\n');
}

/** A stage's figures for one transaction, or for all of them. */
interface TableRow extends LatencyRow {
  missed: number;
}

/** All transactions of a block together. */
function rowOf({ total, counts, missed }: Block): TableRow {
  return { ...total, counts, missed };
}

/** Two rows a transaction, one below the other, so that the figures can be compared by eye. */
function byTransaction(result: RunResult): string {
  const stages = result.stages.flatMap(({ name }) => figuresOf(result, name) ?? []);
  if (stages.length === 0) return '';
  const all = stageRows('**all transactions**', stages, ({ mainBlock }) => rowOf(mainBlock));
  const each = result.scenario.transactions.flatMap(({ name }) =>
    stageRows(escapeText(name), stages, ({ mainBlock }) => mainBlock.transactions.find((item) => item.name === name)),
  );
  const marked = stages.some(({ saturatedBlock }) => saturatedBlock)
    ? ' († service time: the stage was saturated)'
    : '';
  return [
    '## By transaction',
    `Response time, from the instant a transaction was due to its end${marked}; rates are of completed transactions.`,
    table(
      ['Transaction', 'Stage', ...['Rate', 'p50', 'p95', 'p99', 'Max', 'Missed', 'Errors', 'p95 change'].map(toRight)],
      [...all, ...each],
    ),
    byClass(result, stages),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function toRight(right: string): { right: string } {
  return { right };
}

function stageRows(
  label: string,
  stages: readonly StageFigures[],
  pick: (figures: StageFigures) => TableRow | undefined,
): string[][] {
  const first = pick(stages[0]!);
  // Queueing on one side would be compared with its absence on the other: service times are alike on both.
  const time = stages.some(({ saturatedBlock }) => saturatedBlock) ? 'service' : 'response';
  return stages.map((figures, index) => {
    const row = pick(figures);
    const change = index > 0 && first && row ? describeChange(time, first, row) : '';
    return [index === 0 ? label : '', escapeText(figures.stage), ...latencyCells(figures, row), change];
  });
}

function latencyCells({ mainBlock, saturatedBlock }: StageFigures, row: TableRow | undefined): string[] {
  if (!row || row.counts.scheduled === 0) return ['did not occur', '', '', '', '', '', ''];
  const { counts, missed } = row;
  const percentiles = saturatedBlock ? row.service : row.response;
  const mark = saturatedBlock ? ' †' : '';
  const times = [percentiles.p50Us, percentiles.p95Us, percentiles.p99Us, percentiles.maxUs];
  const rate = mainBlock.measuredMs > 0 ? (counts.succeeded * 1000) / mainBlock.measuredMs : 0;
  return [
    formatRate(rate),
    ...times.map((us) => (percentiles.count === 0 ? 'none ended' : `${formatUs(us)}${mark}`)),
    formatShare(missed / counts.scheduled),
    describeLosses(counts),
  ];
}

function byClass(result: RunResult, stages: readonly StageFigures[]): string {
  const rows = result.scenario.transactions.flatMap(({ name }) =>
    stages.flatMap(({ stage, mainBlock, saturatedBlock }) => {
      const classes = mainBlock.transactions.find((item) => item.name === name)?.classes ?? {};
      return Object.entries(classes).map(([className, { count, missed, response, service }]) => {
        const { p50Us, p95Us, p99Us, maxUs } = saturatedBlock ? service : response;
        const times = [p50Us, p95Us, p99Us, maxUs].map((us) => `${formatUs(us)}${saturatedBlock ? ' †' : ''}`);
        const share = count > 0 ? formatShare(missed / count) : '';
        return [name, className, stage].map((text) => escapeText(text)).concat(formatCount(count), times, share);
      });
    }),
  );
  if (rows.length === 0) return '';
  const figures = ['Arrivals', 'p50', 'p95', 'p99', 'Max', 'Missed'].map(toRight);
  return details('By class of parameters', table(['Transaction', 'Class', 'Stage', ...figures], rows));
}
