/** Rehearsals of the steps of a ladder, beside the ladder that they belong to. */
import { UsageError } from './errors.ts';
import { feltChange } from './live-migration/felt-change.ts';
import type { RehearsedStep } from './live-migration/record.ts';
import type { RunResult } from './result.ts';

/**
 * The result of a ladder with what rehearsals of its steps felt: of each step the latest that was complete, and without an adversary, which
 * is another question. Pure.
 *
 * @param others any results; those of other scenarios, and other kinds of results, are left out
 * @throws UsageError when there is none among them
 */
export function withRehearsals(result: RunResult, others: readonly RunResult[]): RunResult {
  const order = result.stages.map(({ name }) => name);
  const steps = others.flatMap((other) => (other.scenario.name === result.scenario.name ? stepOf(other) : []));
  const own = steps.filter(({ from, to }) => order.includes(from) && order.includes(to));
  if (own.length === 0) {
    throw new UsageError(`No rehearsal of a step between stages of this run of ${result.scenario.name} was found.`, {
      hint: `Make some: pgrehearse rehearse ${result.scenario.name} --stages <from>,<to> --out <dir>/<to>.`,
    });
  }
  const latest = new Map<string, RehearsedStep>();
  for (const step of own.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt))) {
    latest.set(JSON.stringify([step.from, step.to]), step);
  }
  const rehearsedSteps = [...latest.values()].toSorted(
    (a, b) => order.indexOf(a.to) - order.indexOf(b.to) || order.indexOf(a.from) - order.indexOf(b.from),
  );
  return { ...result, rehearsedSteps };
}

function stepOf({ status, startedAt, load, seed, liveMigration: live }: RunResult): RehearsedStep[] {
  if (status !== 'complete' || live === undefined || live.adversary !== undefined) return [];
  const { from, to, repeats } = live;
  const { ratePerSecond } = load;
  return [{ from, to, startedAt, ratePerSecond, scale: seed?.scale ?? 1, ...feltChange(repeats) }];
}
