/** Generic against custom plans of the load's statements, as its own sessions tell (pg_prepared_statements). Pure. */
import type { PlanChoice } from './record.ts';

/** One for each statement, with the sums over connections and workers, in the order in which they first come. */
export function sumPlanChoices(choices: readonly PlanChoice[]): PlanChoice[] {
  const sums = new Map<string, PlanChoice>();
  for (const { transaction, statement, custom, generic } of choices) {
    const key = JSON.stringify([transaction, statement]);
    const sum = sums.get(key) ?? { transaction, statement, custom: 0, generic: 0 };
    sums.set(key, { ...sum, custom: sum.custom + custom, generic: sum.generic + generic });
  }
  return [...sums.values()];
}
