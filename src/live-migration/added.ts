/** Which migrations a rehearsal is about. */
import type { Migration } from '../migrate.ts';
import type { RunPlan } from '../plan.ts';

/** Migrations that the last stage has beside those of the first. */
export function addedMigrations({ stages }: RunPlan): Migration[] {
  const known = new Set(stages[0]!.migrations.map(({ version }) => version));
  return stages.at(-1)!.migrations.filter(({ version }) => !known.has(version));
}
