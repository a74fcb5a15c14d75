/** Cells of the table of stages that the report and the terminal have in common. */
import type { RunResult } from '../result.ts';
import { formatCount, formatMs } from './format.ts';

/** More than two stages: a ladder, each step of which is told. */
export function isLadder({ stages }: RunResult): boolean {
  return stages.length > 2;
}

/** Time of the migrations that the stage before did not have, as measured when the snapshot was made; '' for none. */
export function describeStepTime({ stages }: RunResult, at: number): string {
  const known = new Set(stages[at - 1]?.applied.map(({ version }) => version));
  const own = stages[at]!.applied.filter(({ version }) => !known.has(version));
  return own.length === 0 ? '' : formatMs(own.reduce((sum, { durationMs }) => sum + durationMs, 0));
}

/** Answers of a stage beside those of the first: 'equal', '3 differ'; '' where none was compared. */
export function describeAnswers({ answers }: RunResult, stage: string): string {
  const own = answers.filter((answer) => answer.stage === stage);
  if (own.length === 0) return '';
  const different = own.reduce((sum, answer) => sum + answer.different, 0);
  return different === 0 ? 'equal' : `${formatCount(different)} differ`;
}

/** Transactions of a stage that are declared to answer otherwise, with the reason. */
export function declaredAnswers({ answers }: RunResult, stage: string): { transaction: string; reason: string }[] {
  return answers.flatMap((answer) =>
    answer.stage === stage && answer.declared !== undefined
      ? [{ transaction: answer.transaction, reason: answer.declared }]
      : [],
  );
}

/** Claims of a stage; undefined for a stage of which nothing was promised. */
export function claimsOf(
  { claims }: RunResult,
  stage: string,
): { all: number; met: number; unknown: number } | undefined {
  const own = claims.filter((claim) => claim.stage === stage);
  if (own.length === 0) return undefined;
  const count = (outcome: string) => own.filter((claim) => claim.outcome === outcome).length;
  return { all: own.length, met: count('met'), unknown: count('not measured') };
}
