/**
 * A stage whose block proves nothing, because the load generator was late, is rehearsed once more: on a machine that is shared, a moment
 * without a processor would otherwise cost a whole ladder. What was discarded is told. Only the generator's lateness counts, no latency of
 * the server; and only once, for a stage that starves the generator itself is found out by the second block.
 */
import type { Journal } from './journal.ts';
import type { RunResult } from './result.ts';
import { latenessFault } from './validity.ts';

/**
 * @param rehearse leaves the stage's records in the journal's result; called again, it starts from a fresh clone
 * @returns what the last call of `rehearse` did
 * @throws what `rehearse` throws
 */
export async function repeatIfLate<T>(stage: string, journal: Journal, rehearse: () => Promise<T>): Promise<T> {
  const done = await rehearse();
  const { result } = journal;
  const block = result.blocks.find((one) => one.stage === stage);
  const fault = block && latenessFault(block, result.slo);
  if (block === undefined || fault === undefined) return done;
  const { startedAt, generator, total, missed, counts, host } = block;
  (result.discarded ??= []).push({
    stage,
    startedAt,
    latenessP99Us: generator.lateness.p99Us,
    p95Us: total.response.p95Us,
    missed,
    scheduled: counts.scheduled,
    ...(host === undefined ? {} : { host }),
  });
  journal.note(`${stage} is rehearsed once more: ${fault}.`);
  forget(stage, result);
  return rehearse();
}

/** Takes the records of a stage out of the result. Its times stay: they were spent. */
function forget(stage: string, result: RunResult): void {
  const isOther = (one: { stage?: string }): boolean => one.stage !== stage;
  result.stages = result.stages.filter(({ name }) => name !== stage);
  result.blocks = result.blocks.filter(isOther);
  result.answers = result.answers.filter(isOther);
  result.invariants = result.invariants.filter(isOther);
  result.warnings = result.warnings.filter(isOther);
  if (result.readings !== undefined) result.readings = result.readings.filter(isOther);
  if (result.evidence !== undefined) result.evidence = result.evidence.filter(isOther);
}
