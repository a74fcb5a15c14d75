/** A rehearsal of a migration inside of the test's own process: what `pgrehearse rehearse` does, without another Node for each. */
import { join } from 'node:path';
import type { LiveRequest } from '../../src/live-migration/request.ts';
import { rehearseMigration } from '../../src/live-migration/rehearse-migration.ts';
import { planRun } from '../../src/plan.ts';
import { readResult } from '../../src/result-file.ts';
import { defaultBudgets } from '../../src/scenario.ts';
import { projectRoot } from './command.ts';

/** As little load as shows something. */
export const usual: LiveRequest = {
  budgets: defaultBudgets,
  repeats: 1,
  beforeMs: 500,
  afterMs: 500,
  longestMigrationMs: 60_000,
  down: false,
  killPoints: 0,
  interleavings: { first: 1, count: 0 },
  project: new Map(),
};

/**
 * Rehearses the scenario at a tenth of its rows, and reads what was written of it.
 *
 * @param out folder for the result
 * @throws what the library throws
 */
export async function rehearsed(
  scenario: string,
  { cacheDir, out }: { cacheDir: string; out: string },
  change: Partial<LiveRequest> = {},
) {
  const plan = await planRun({ scenario, folder: projectRoot, config: { cacheDir }, scale: 0.1, out });
  await rehearseMigration(plan, { ...usual, ...change });
  const { liveMigration, verdict, invariants } = await readResult(out);
  const { gates, exitCode } = verdict!;
  const live = liveMigration!;
  const exceeded = gates.filter(({ name, outcome }) => name === 'budget' && outcome === 'fail');
  return {
    live,
    gates,
    invariants,
    exitCode,
    /** The only one; where none was asked for, there is none. */
    repeat: live.repeats[0]!,
    /** What the budgets that do not hold say. */
    exceeded: exceeded.map(({ reason }) => reason).join('\n'),
    report: join(out, 'report.md'),
  };
}

/** A cache and folders for results that one file of tests has in common. */
export function placesIn(folder: string): (name: string) => { folder: string; cacheDir: string; out: string } {
  return (name) => ({ folder: join(folder, name), cacheDir: join(folder, 'cache'), out: join(folder, name, 'run') });
}
