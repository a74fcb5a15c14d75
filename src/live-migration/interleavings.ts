/** A search for deadlocks: the migration under load with seeded pauses between its statements, so that other transactions meet its locks. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../database.ts';
import type { Migration } from '../migrate.ts';
import { onClone, type LiveStage, type Rehearsal } from '../rehearsal.ts';
import { formatPlural } from '../report/format.ts';
import { laneOf, unit } from '../seed/random.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { DeadlockWatch } from './deadlock-watch.ts';
import { Pass } from './pass.ts';
import type { Deadlock } from './record.ts';
import type { LiveRequest } from './request.ts';
import { longestRecoveryMs, underLoad } from './steady-load.ts';

/** Load before the migration begins, after the warm-up: every transaction has come by then at usual rates. */
const beforeMs = 500;
/** Pauses are spread evenly in their logarithm: short ones meet transactions in their middle, long ones let many queue. */
const [shortestPauseMs, longestPauseMs] = [1, 500];

/** Tells the deadlocks of each interleaving as soon as it is done. */
export async function carryOutInterleavings(
  { interleavings: { first, count }, longestMigrationMs }: Pick<LiveRequest, 'interleavings' | 'longestMigrationMs'>,
  rehearsal: Rehearsal,
  onTried: (deadlocks: Deadlock[]) => Promise<void>,
): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    const title = `Interleaving ${seed} (${first} to ${first + count - 1})`;
    const stage = rehearsal.stages[0]!.planned.spec.name;
    const { deadlocks } = await rehearsal.journal.part({ name: 'measure', title, stage }, async () => {
      const deadlocks = await onClone(rehearsal.stages[0]!, rehearsal, {}, (live) =>
        interleave(live, { seed, longestMigrationMs }, rehearsal),
      );
      return { deadlocks, detail: deadlocks.length === 0 ? 'no deadlock' : formatPlural(deadlocks.length, 'deadlock') };
    });
    await onTried(deadlocks);
  }
}

async function interleave(
  stage: LiveStage,
  { seed, longestMigrationMs }: { seed: number; longestMigrationMs: number },
  rehearsal: Rehearsal,
): Promise<Deadlock[]> {
  const { plan, journal } = rehearsal;
  const { connection } = stage;
  const migrations = withPauses(plan.stages.at(-1)!.migrations, seed);
  const to = migrations.at(-1)!.version;
  const before = await deadlocksSoFar(connection);
  await using watch = await DeadlockWatch.start(connection);
  const pass = new Pass(longestMigrationMs);
  const order = { name: `interleaving-${seed}`, number: seed, samplesFile: `samples/interleaving-${seed}.bin` };
  await underLoad(
    stage,
    rehearsal,
    { ...order, longestMs: beforeMs + longestMigrationMs + longestRecoveryMs },
    async (load) => {
      await load.reaches(beforeMs + pauseMs(seed, 0));
      await pass.migrate({ connection, migrations, direction: 'up', to, folder: plan.folder, signal: journal.signal });
    },
  );
  // Of no use afterwards: nothing is judged but the deadlocks.
  await rm(join(journal.folder, order.samplesFile), { force: true });
  // A circle may also end when somebody gives up waiting; the server counts those that it had to break.
  if (watch.circles.length === 0 || (await deadlocksSoFar(connection, before)) === before) return [];
  const victim = pass.error?.includes('40P01') === true ? 'migration' : 'load';
  return watch.circles.map((circle) => ({
    seed,
    victim,
    migration: oneLine(circle.migration),
    other: oneLine(circle.other),
  }));
}

/** The same migrations with a sleep before every statement of a file but the first: locks are kept while it lasts. */
export function withPauses(migrations: readonly Migration[], seed: number): Migration[] {
  let place = 0;
  return migrations.map((migration) => {
    const statements = migration.up.statements.flatMap((statement, at) => {
      if (at === 0) return [statement];
      const text = `SELECT pg_sleep(${(pauseMs(seed, ++place) / 1000).toFixed(3)})`;
      return [{ ...statement, text }, statement];
    });
    return { ...migration, up: { ...migration.up, statements } };
  });
}

function pauseMs(seed: number, place: number): number {
  return shortestPauseMs * (longestPauseMs / shortestPauseMs) ** unit(laneOf('pause', seed), place);
}

/** How long after their end sessions have told the server's statistics what they met (PGSTAT_MIN_INTERVAL of pgstat.c is 1 s). */
const longestReportMs = 1500;

/** Deadlocks of the database, as counted by the server. With a number from before: waits until it rose, or could have. */
async function deadlocksSoFar(connection: ConnectionTarget, before?: number): Promise<number> {
  return withClient(connection, async (client) => {
    const deadline = performance.now() + longestReportMs;
    for (;;) {
      const { rows } = await client.query<{ count: number }>(
        'SELECT deadlocks::int AS count FROM pg_stat_database WHERE datname = current_database()',
      );
      const { count } = rows[0]!;
      if (before === undefined || count > before || performance.now() > deadline) return count;
      await sleep(50);
    }
  });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
