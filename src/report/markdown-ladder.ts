/** Every stage of a run in one table, as plans of several phases are told: what each step cost and what it brought. */
import type { ClaimOutcome, RunResult, StageResult } from '../result.ts';
import { figuresOf, type StageFigures } from '../stage-figures.ts';
import { formatBytes, formatCount, formatMs, formatPlural, formatRate, formatShare, formatUs } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/** The section; '' for a run of two stages or fewer, which the key figures tell already. */
export function renderLadder(result: RunResult): string {
  const { stages } = result;
  if (stages.length < 3) return '';
  const rows = stages.map((stage, at) => [
    escapeText(stage.name),
    escapeText(stage.description),
    stepTime(stage, stages[at - 1]),
    ...loadCells(figuresOf(result, stage.name)),
    formatBytes(stage.databaseBytes),
    describeAnswers(result, stage.name),
    describeClaims(result.claims.filter((claim) => claim.stage === stage.name)),
  ]);
  const figures = ['Migrated in', 'Held', 'p50', 'p95', 'p99', 'Missed', 'Database'].map(toRight);
  return `## Stage by stage\n\n${table(['Stage', 'What it is', ...figures, 'Answers', 'Claims met'], rows)}`;
}

/** Time of the migrations that the stage before did not have, as measured when the snapshot was made. */
function stepTime({ applied }: StageResult, before: StageResult | undefined): string {
  const known = new Set(before?.applied.map(({ version }) => version));
  const own = applied.filter(({ version }) => !known.has(version));
  return own.length === 0 ? '' : formatMs(own.reduce((sum, { durationMs }) => sum + durationMs, 0));
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
function describeAnswers({ answers }: RunResult, stage: string): string {
  const own = answers.filter((answer) => answer.stage === stage);
  if (own.length === 0) return '';
  const different = own.reduce((sum, answer) => sum + answer.different, 0);
  const declared = own.filter((answer) => answer.declared !== undefined).length;
  const parts = [
    different === 0 ? 'equal' : `**${formatCount(different)} differ**`,
    declared === 0 ? '' : `${formatPlural(declared, 'transaction')} declared to differ`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function describeClaims(claims: readonly ClaimOutcome[]): string {
  if (claims.length === 0) return '';
  const met = claims.filter(({ outcome }) => outcome === 'met').length;
  return `${formatCount(met)} of ${formatCount(claims.length)}`;
}
