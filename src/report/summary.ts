/** The report in short, for the terminal: it fits one screen. */
import { styleText } from 'node:util';
import { describeHeadroom } from '../capacity/figures.ts';
import type { Outcome, RunResult } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import type { StageFigures } from '../stage-figures.ts';
import { judge } from '../verdict.ts';
import { describeChange, describeClaims, describeLosses } from './comparison.ts';
import { claimsOf, describeAnswers, describeStepTime, isLadder } from './ladder-figures.ts';
import { describeCalibration } from './markdown-calibration.ts';
import { describeTuning } from './markdown-tune.ts';
import { hasDatabases } from './markdown-service.ts';
import { describeImprovement, describeTime, probeGroups } from './probe-groups.ts';
import { formatBytes, formatPlural, formatRate, formatShare, formatUs } from './format.ts';

export interface SummaryOptions {
  /** Colour by ANSI escapes. */
  color: boolean;
  /** Width of the terminal. */
  columns: number;
}

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const outcomeStyles: Record<Outcome, Style> = {
  pass: ['bold', 'green'],
  fail: ['bold', 'red'],
  inconclusive: ['bold', 'yellow'],
  invalid: ['bold', 'magenta'],
};

/** Verdict, stages side by side, transactions, warnings: text without a newline at its end. */
export function renderSummary(result: RunResult, { color, columns }: SummaryOptions): string {
  const width = Math.max(40, columns);
  const paint: Paint = (style, text) => (color ? styleText(style, text, { validateStream: false }) : text);
  if (result.calibration !== undefined) {
    const lines = result.calibration.length === 0 ? ['No round was finished.'] : describeCalibration(result);
    return lines.flatMap((line) => wrap(plain(line), width)).join('\n');
  }
  if (result.tuning !== undefined) {
    const lines = describeTuning(result.tuning);
    return lines.flatMap((line) => wrap(plain(line), width)).join('\n');
  }
  if (result.probe !== undefined) {
    return [probeTable(result, width, paint), noteLines(result, width, paint)]
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n'))
      .join('\n\n');
  }
  const parts = [
    verdictLines(result, width, paint),
    result.capacity === undefined ? stageTable(result, width, paint) : capacityTable(result, width, paint),
    transactionTable(result, width, paint),
    noteLines(result, width, paint),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function verdictLines(result: RunResult, width: number, paint: Paint): string[] {
  const { outcome, reason, gates } = result.verdict ?? judge(result);
  const lines = [...wrap(`${outcome.toUpperCase()}  ${plain(reason)}`, width)];
  lines[0] = lines[0]!.replace(outcome.toUpperCase(), paint(outcomeStyles[outcome], outcome.toUpperCase()));
  const others = gates.filter((gate) => gate.outcome !== 'pass' && gate.reason !== reason);
  return [...lines, ...others.flatMap((gate) => wrap(`${gate.name}: ${gate.outcome}, ${plain(gate.reason)}`, width))];
}

function stageTable(result: RunResult, width: number, paint: Paint): string[] {
  if (result.stages.length === 0) return [];
  const limit = formatUs(result.slo.limitMs * 1000);
  const rows = isLadder(result) ? ladderRows(result, limit) : stageRows(result, limit);
  return alignColumns(rows, width, paint);
}

function stageRows(result: RunResult, limit: string): string[][] {
  const rows = result.stages.map((stage) => {
    const figures = figuresOf(result, stage.name);
    const cells = figures ? [...loadCells(figures), lossCell(figures)] : ['not measured', '', '', '', ''];
    return [plain(stage.name), ...cells].concat(hasDatabases(result) ? formatBytes(stage.databaseBytes) : []);
  });
  const database = hasDatabases(result) ? ['database'] : [];
  return [['Stage', 'held', 'p50', 'p95', `missed ${limit}`, 'errors', ...database], ...rows];
}

/** Every step of a ladder: also what it took to migrate, whether its answers are right, what was promised of it. */
function ladderRows(result: RunResult, limit: string): string[][] {
  const rows = result.stages.map(({ name, databaseBytes }, at) => {
    const figures = figuresOf(result, name);
    const claims = claimsOf(result, name);
    return [
      plain(name),
      describeStepTime(result, at),
      ...(figures ? loadCells(figures) : ['not measured', '', '', '']),
      formatBytes(databaseBytes),
      describeAnswers(result, name),
      claims === undefined ? '' : `${claims.met} of ${claims.all}`,
    ];
  });
  return [['Stage', 'migrated', 'held', 'p50', 'p95', `missed ${limit}`, 'database', 'answers', 'claims met'], ...rows];
}

/** How far each stage goes, in place of how it did at one rate. */
function capacityTable({ capacity = [], load }: RunResult, width: number, paint: Paint): string[] {
  if (capacity.length === 0) return [];
  const rows = capacity.map(({ stage, heldPerSecond, missedPerSecond, steps }) => [
    plain(stage),
    heldPerSecond === undefined ? 'no rate' : formatRate(heldPerSecond),
    missedPerSecond === undefined ? 'none tried' : formatRate(missedPerSecond),
    heldPerSecond === undefined ? '' : describeHeadroom(heldPerSecond, load.ratePerSecond),
    String(steps.length),
  ]);
  return alignColumns(
    [['Stage', 'holds', 'misses', `headroom over ${formatRate(load.ratePerSecond)}`, 'steps'], ...rows],
    width,
    paint,
  );
}

/** Every read by itself, the first stage beside the last. */
function probeTable(result: RunResult, width: number, paint: Paint): string[] {
  const groups = probeGroups(result);
  if (groups.length === 0) return ['Nothing was timed.'];
  const [first, last] = [result.stages[0]!.name, result.stages.at(-1)!.name];
  const several = first !== last;
  const rows = groups.map(({ label, figures }) => {
    const ends = several ? [figures[0], figures.at(-1)] : [figures[0]];
    const cells = ends.map((found) => describeTime(found));
    return [plain(label)].concat(cells, several ? describeImprovement(figures[0], figures.at(-1)) : []);
  });
  const heading = ['median, without load', plain(first), ...(several ? [plain(last), ''] : [])];
  return alignColumns([heading, ...rows], width, paint);
}

function loadCells({ mainBlock, saturatedBlock, heldPerSecond, misses }: StageFigures): string[] {
  const { response } = mainBlock.total;
  const times = saturatedBlock ? ['no bound', 'no bound'] : [formatUs(response.p50Us), formatUs(response.p95Us)];
  return [formatRate(heldPerSecond), ...times, misses ? formatShare(misses.value) : ''];
}

function lossCell({ blocks, mainBlock }: StageFigures): string {
  return blocks.length === 1 ? describeLosses(mainBlock.counts) : '';
}

/** p95 of every transaction in the first and the last stage. */
function transactionTable(result: RunResult, width: number, paint: Paint): string[] {
  const stages = result.stages.flatMap(({ name }) => figuresOf(result, name) ?? []);
  if (stages.length === 0) return [];
  const ends = stages.length > 1 ? [stages[0]!, stages.at(-1)!] : stages;
  const saturated = ends.some(({ saturatedBlock }) => saturatedBlock);
  const time = saturated ? 'service' : 'response';
  const rows = result.scenario.transactions.map(({ name }) => {
    const found = ends.map(({ mainBlock }) => mainBlock.transactions.find((item) => item.name === name));
    const cells = found.map((row) => (row && row[time].count > 0 ? formatUs(row[time].p95Us) : 'none ended'));
    const [first, last] = found;
    return [plain(name), ...cells, first && last ? describeChange(time, first, last) : ''];
  });
  const heading = [`p95 ${time} time`, ...ends.map(({ stage }) => plain(stage)), ''];
  return alignColumns([heading, ...rows], width, paint);
}

function noteLines(result: RunResult, width: number, paint: Paint): string[] {
  const { claims, warnings } = result;
  const lines = claims.length > 0 ? [describeClaims(claims)] : [];
  // One screen: the rest is in the report.
  for (const { message, advice } of warnings.slice(0, 3)) {
    const [first = '', ...rest] = wrap(`Warning: ${plain(message)} ${plain(advice)}`, width);
    lines.push(first.replace('Warning:', paint('yellow', 'Warning:')), ...rest);
  }
  if (warnings.length > 3) lines.push(`${formatPlural(warnings.length - 3, 'more warning')} in the report.`);
  return lines;
}

/** Columns aligned, the first to the left, figures to the right; the first column gives way where the width is short. */
function alignColumns(rows: readonly string[][], width: number, paint: Paint): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const others = widths.slice(1).reduce((total, columnWidth) => total + columnWidth + 2, 0);
  const first = Math.max(8, Math.min(widths[0]!, width - others));
  return rows.map((cells, index) => {
    const figures = cells.slice(1).map((cell, column) => `  ${cell.padStart(widths[column + 1]!)}`);
    const line = (shorten(cells[0]!, first).padEnd(first) + figures.join('')).trimEnd();
    return index === 0 ? paint('dim', line) : line;
  });
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text;
}

/** Lines no longer than the width; a figure stays with its unit, and all lines but the first are indented. */
function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(/ (?!%|(?:µs|ms|s|min|h)\b)/)) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length > width) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** Names come from outside: no control characters reach the terminal. */
function plain(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
}
