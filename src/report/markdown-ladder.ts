/** Every stage of a run in one table, as plans of several phases are told: what each step cost and what it brought. */
import type { RunResult } from '../result.ts';
import { figuresOf, type StageFigures } from '../stage-figures.ts';
import { formatBytes, formatCount, formatRate, formatShare, formatUs } from './format.ts';
import { claimsOf, declaredAnswers, describeAnswers, describeStepTime, isLadder } from './ladder-figures.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/**
 * The section with its chart; '' for a run of two stages or fewer, which the key figures tell already.
 *
 * Migration times are those of the step from the stage before, measured when its snapshot was made.
 */
export function renderLadder(result: RunResult, chart = ''): string {
  if (!isLadder(result)) return '';
  const rows = result.stages.map(({ name, description, databaseBytes }, at) => [
    escapeText(name),
    escapeText(description),
    describeStepTime(result, at),
    ...loadCells(figuresOf(result, name)),
    formatBytes(databaseBytes),
    answersCell(result, name),
    claimsCell(result, name),
  ]);
  const figures = ['Migrated in', 'Held', 'p50', 'p95', 'p99', 'Missed', 'Database'].map(toRight);
  const parts = [
    '## Stage by stage',
    table(['Stage', 'What it is', ...figures, 'Answers', 'Claims met'], rows),
    declarations(result),
    chart,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function loadCells(figures: StageFigures | undefined): string[] {
  if (figures === undefined) return ['not measured', '', '', '', ''];
  const { heldPerSecond, saturatedBlock, mainBlock, misses } = figures;
  const { p50Us, p95Us, p99Us } = mainBlock.total.response;
  const times = saturatedBlock ? ['no bound', 'no bound', 'no bound'] : [p50Us, p95Us, p99Us].map(formatUs);
  const held = `${formatRate(heldPerSecond)}${saturatedBlock ? ', saturated' : ''}`;
  return [held, ...times, misses === undefined ? '' : formatShare(misses.value)];
}

/** Compared with the first stage. */
function answersCell(result: RunResult, stage: string): string {
  const compared = describeAnswers(result, stage);
  const declared = declaredAnswers(result, stage).map(({ transaction }) => escapeText(transaction));
  const shown = compared === '' || compared === 'equal' ? compared : `**${compared}**`;
  return declared.length === 0 ? shown : `${shown}; not compared: ${declared.join(', ')}`;
}

function claimsCell(result: RunResult, stage: string): string {
  const claims = claimsOf(result, stage);
  if (claims === undefined) return '';
  const { all, met, unknown } = claims;
  return `${formatCount(met)} of ${formatCount(all)}${unknown === 0 ? '' : `, ${formatCount(unknown)} not measured`}`;
}

/** Why answers of some transactions are not compared: one line for each reason, with its stages. */
function declarations(result: RunResult): string {
  const stagesOf = new Map<string, string[]>();
  for (const { name } of result.stages) {
    for (const { transaction, reason } of declaredAnswers(result, name)) {
      const line = `**${escapeText(transaction)}**: ${escapeText(reason)}`;
      stagesOf.set(line, [...(stagesOf.get(line) ?? []), escapeText(name)]);
    }
  }
  return [...stagesOf].map(([line, stages]) => `- ${line} (${stages.join(', ')})`).join('\n');
}
