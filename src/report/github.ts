/** What GitHub shows of a run: the job summary, a comment on the pull request, and annotations beside the changed lines. */
import { isConfirmed, slowestStatement } from '../live-migration/advice.ts';
import type { ChangedStatement, Gate, RunResult } from '../result.ts';
import { judge } from '../verdict.ts';
import { changedPlans } from '../verdict/work.ts';
import { renderHead, renderMarkdown } from './markdown.ts';
import { escapeText } from './markdown-text.ts';

/** GitHub refuses more: https://docs.github.com/actions, "Adding a job summary", and the API of issue comments. */
const summaryLimitBytes = 1024 * 1024;
const commentLimitBytes = 65_536;

/** A remark at a line of a file of the pull request, or at none. */
export interface Annotation {
  level: 'error' | 'warning';
  title: string;
  message: string;
  file?: string;
  line?: number;
}

/** The report for the job summary: without pictures, which GitHub cannot show there, and cut at its limit. */
export async function renderJobSummary(result: RunResult): Promise<string> {
  const { markdown } = await renderMarkdown(result);
  const text = markdown
    .split('\n\n')
    .filter((part) => !/^!\[[^\]]*\]\([^)]*\)$/.test(part))
    .join('\n\n');
  return cut(text, summaryLimitBytes);
}

/** The head of the report, with a marker by which the comment of an earlier run of the same scenario is found and replaced. */
export function renderComment(result: RunResult): string {
  const marker = commentMarker(result.scenario.name);
  return cut(`${marker}\n${renderHead(result, result.verdict ?? judge(result)).join('\n\n')}\n`, commentLimitBytes);
}

/** Hidden first line of the comment. */
export function commentMarker(scenario: string): string {
  return `<!-- pgrehearse: ${escapeText(scenario).replaceAll('--', '- -')} -->`;
}

/** Whole lines up to the limit, and a word about the rest. */
function cut(text: string, limitBytes: number): string {
  if (Buffer.byteLength(text) <= limitBytes) return text;
  const note = '\n\nThe rest is in report.md: this is as much as GitHub takes.\n';
  const room = Buffer.from(text).subarray(0, limitBytes - Buffer.byteLength(note));
  const whole = room.subarray(0, Math.max(0, room.lastIndexOf('\n')));
  return `${whole.toString()}${note}`;
}

/**
 * One for each gate that does not hold, at the statement of a migration that most likely caused it; and one for each statement that was
 * known to hurt, and did when it was rehearsed.
 */
export function annotationsOf(result: RunResult): Annotation[] {
  const { gates } = result.verdict ?? judge(result);
  const failed = gates.filter(({ outcome, advisory }) => outcome !== 'pass' && advisory !== true);
  return [
    ...failed.map((gate) => ({
      level: gate.outcome === 'inconclusive' ? ('warning' as const) : ('error' as const),
      title: `pgrehearse ${result.scenario.name}: ${gate.name}`,
      message: gate.reason,
      ...placeOf(suspect(result, gate)),
    })),
    ...findingsConfirmed(result),
  ];
}

function findingsConfirmed({ liveMigration: live, scenario }: RunResult): Annotation[] {
  const confirmed = live?.findings.filter((finding) => isConfirmed(finding, live)) ?? [];
  return confirmed.map(({ file, line, rule, advice, by }) => ({
    level: 'warning',
    title: `pgrehearse ${scenario.name}: ${by === undefined ? 'known to hurt' : `${by} warns of it`}, and did`,
    message: `${capitalised(rule.replace(/\.$/, ''))}. ${advice}`.trim(),
    file,
    line,
  }));
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function placeOf(
  statement: Pick<ChangedStatement, 'file' | 'line'> | undefined,
): { file: string; line: number } | undefined {
  return statement && { file: statement.file, line: statement.line };
}

/**
 * The last changed statement that names a table or index in which the plans of the transaction (of any, where the gate is about all)
 * differ. Of a migration under load: the statement that took its time. Where nothing tells: the last changed statement.
 */
function suspect(
  { changes = [], comparison, liveMigration }: RunResult,
  gate: Gate,
): Pick<ChangedStatement, 'file' | 'line'> | undefined {
  if (gate.name === 'validity') return undefined;
  const slowest = liveMigration && slowestStatement(liveMigration);
  if (slowest !== undefined) return slowest;
  const plans = comparison === undefined ? [] : changedPlans(comparison);
  const own = plans.filter(({ transaction }) => gate.transaction === undefined || transaction === gate.transaction);
  const names = own.flatMap(({ before, after }) => differingNames(before, after));
  const named = changes.findLast(({ text }) => names.some((name) => mentions(text, name)));
  return named ?? changes.at(-1);
}

/** Names in one of two plan shapes only: indexes first of all. */
function differingNames(before: string, after: string): string[] {
  const [from, to] = [namesIn(before), namesIn(after)];
  return [...from.filter((name) => !to.includes(name)), ...to.filter((name) => !from.includes(name))];
}

function namesIn(shape: string): string[] {
  return Array.from(shape.matchAll(/\(([^()]+)\)/g), ([, name]) => name!);
}

function mentions(text: string, name: string): boolean {
  const at = text.toLowerCase().indexOf(name.toLowerCase());
  if (at < 0) return false;
  return !/[\w$]/.test(text[at - 1] ?? ' ') && !/[\w$]/.test(text[at + name.length] ?? ' ');
}

/** The workflow command that makes an annotation; line breaks and separators are escaped as the runner expects. */
export function renderAnnotation({ level, title, message, file, line }: Annotation): string {
  const properties = { ...(file === undefined ? {} : { file, line: String(line) }), title };
  const written = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(value)}`);
  return `::${level} ${written.join(',')}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
