/** From nothing to one snapshot a stage: seed the baseline once, migrate a copy of it for every later stage, keep both. */
import { createDatabase, databaseName, settle } from './database.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { Journal } from './journal.ts';
import { migrate, type MigrationEvent } from './migrate.ts';
import { snapshotParts, type RunPlan } from './plan.ts';
import type { PlannedStage } from './stage-plan.ts';
import { formatBytes, formatCount, formatMs, formatPlural } from './report/format.ts';
import type { MigrationRecord, SeedSummary } from './result.ts';
import { loadSeed } from './seed/load.ts';
import { seedingSettings, settingsOf } from './server/profiles.ts';
import type { Server } from './server/server.ts';
import { startServer, type StartOptions } from './server/start.ts';
import type { Snapshot, Snapshots } from './snapshot.ts';

/** A snapshot, and whether it came from the cache. */
type Prepared = Awaited<ReturnType<Snapshots['build']>>;

/** The data of a stage, ready to be cloned. */
export interface StageSnapshot {
  snapshot: Snapshot;
  cached: boolean;
  /** Migrations after the baseline, with the durations of the run that built the snapshot. */
  applied: MigrationRecord[];
}

/** A stage whose data is ready to be cloned. */
export interface PreparedStage {
  planned: PlannedStage;
  prepared: StageSnapshot;
}

/** Seeds the baseline, or finds it in the cache. */
export async function prepareBaseline(
  plan: RunPlan,
  store: Snapshots,
  journal: Journal,
  watch: DiskWatch,
): Promise<Prepared> {
  const build = async (dataDir: string) => ({ seed: await seedInto(dataDir, plan, journal, watch) });
  const baseline = await store.build(snapshotParts(plan, plan.baseline), build, journal.signal);
  const summary = baseline.details['seed'] as SeedSummary;
  journal.result.seed = summary;
  if (baseline.cached) {
    journal.note(
      `The seeded data is in the cache: ${formatCount(summary.rows)} rows, ${formatBytes(baseline.bytes)} on disk.`,
    );
  }
  return baseline;
}

async function seedInto(dataDir: string, plan: RunPlan, journal: Journal, watch: DiskWatch): Promise<SeedSummary> {
  const { summary } = await journal.part({ name: 'seed', title: 'Seed the baseline' }, async () => {
    const settings = seedingSettings(plan.serverHost, plan.postgres);
    const report = await onServer({ location: dataDir, settings, largePages: true }, plan, journal, async (server) => {
      await createDatabase(server, databaseName);
      const connection = server.connection(databaseName);
      await migrate(connection, plan.baseline, { signal: journal.signal });
      return loadSeed({
        scenarioFile: plan.scenarioFile,
        connection,
        seed: plan.seed,
        scale: plan.scale,
        signal: journal.signal,
        onProgress: (progress) => {
          watch.seeded(progress);
          journal.progress(progress.text, progress.done, progress.secondsLeft);
        },
      });
    });
    const { rows, copyBytes, copyMs, indexMs, tables } = report;
    const { asOf } = plan.scenario.workload.seed;
    const perSecond = `${formatCount(Math.round((rows / copyMs) * 1000))} rows/s`;
    return {
      detail: `${formatCount(rows)} rows, ${formatBytes(copyBytes)} at ${perSecond}`,
      summary: { seed: plan.seed, scale: plan.scale, asOf, rows, bytes: copyBytes, copyMs, indexMs, tables },
    };
  });
  journal.splitOff({ name: 'index', durationMs: summary.indexMs, detail: 'indexes, constraints, statistics' });
  return summary;
}

/**
 * The snapshot of a stage: the baseline itself, or a copy with the later migrations applied; of the baseline, or of the nearest of the
 * stages prepared before it whose migrations are the beginning of its own, so that a ladder applies each migration once.
 */
export async function prepareStage(
  stage: PlannedStage,
  baseline: Prepared,
  earlier: readonly PreparedStage[],
  plan: RunPlan,
  store: Snapshots,
  journal: Journal,
): Promise<StageSnapshot> {
  if (stage.migrations.length === plan.baseline.length) {
    return { snapshot: baseline, cached: baseline.cached, applied: [] };
  }
  const start = nearest(stage, earlier) ?? { snapshot: baseline, applied: [] };
  const build = async (dataDir: string) => ({
    applied: [...start.applied, ...(await migrateInto(dataDir, stage, start.snapshot, plan, store, journal))],
  });
  const snapshot = await store.build(snapshotParts(plan, stage.migrations), build, journal.signal);
  const applied = snapshot.details['applied'] as MigrationRecord[];
  if (snapshot.cached) {
    journal.note(`${stage.spec.name}: ${formatPlural(applied.length, 'migration')} applied already, in the cache.`);
  }
  return { snapshot, cached: snapshot.cached, applied };
}

function nearest({ migrations }: PlannedStage, earlier: readonly PreparedStage[]): StageSnapshot | undefined {
  const beginnings = earlier.filter(({ planned }) =>
    planned.migrations.every(({ sha256 }, at) => migrations[at]?.sha256 === sha256),
  );
  return beginnings.toSorted((a, b) => b.planned.migrations.length - a.planned.migrations.length)[0]?.prepared;
}

async function migrateInto(
  dataDir: string,
  stage: PlannedStage,
  start: Snapshot,
  plan: RunPlan,
  store: Snapshots,
  journal: Journal,
): Promise<MigrationRecord[]> {
  const { name } = stage.spec;
  await clonePart(start, dataDir, name, store, journal);
  const settings = settingsOf(stage.profile);
  const { applied } = await journal.part({ name: 'migrate', title: 'Apply its migrations', stage: name }, async () => {
    const applied = await onServer({ location: dataDir, settings }, plan, journal, async (server) => {
      const connection = server.connection(databaseName);
      const records = await migrate(connection, stage.migrations, {
        signal: journal.signal,
        onMigration: (event) => tellMigration(event, journal),
      });
      journal.progress('vacuum and analyze');
      await settle(connection, journal.signal);
      return records;
    });
    return { detail: formatPlural(applied.length, 'migration'), applied };
  });
  return applied;
}

function tellMigration(event: MigrationEvent, journal: Journal): void {
  if (event.status === 'started') {
    const { migration, index, total } = event;
    journal.progress(`${migration.version}_${migration.name} (${index + 1} of ${total})`);
  } else if (event.status === 'finished') {
    const { version, name, durationMs } = event.record;
    journal.note(`  ${version}_${name}: ${formatMs(durationMs)}`);
  }
}

/** Lets `work` change a data folder through a server, which then writes everything out, so that the folder can be kept. */
async function onServer<T>(
  place: Pick<StartOptions, 'location' | 'settings' | 'largePages'>,
  { cacheDir, server: found, postgres }: RunPlan,
  { signal }: Journal,
  work: (server: Server) => Promise<T>,
): Promise<T> {
  // Scratch: after a failure nothing is kept, so that nothing need be written out.
  await using server = await startServer({
    server: found,
    postgres,
    cacheDir,
    ...place,
    ...(signal && { signal }),
  });
  try {
    const outcome = await work(server);
    await server.shutDown();
    return outcome;
  } catch (error) {
    signal?.throwIfAborted();
    throw await server.explain(error);
  }
}

/** Clones a snapshot as a part of the run, with its rate. */
export async function clonePart(
  snapshot: Snapshot,
  target: string,
  stage: string,
  store: Snapshots,
  journal: Journal,
): Promise<void> {
  await journal.part({ name: 'clone', title: 'Clone the snapshot', stage }, async () => {
    const { bytes, durationMs, method } = await store.clone(snapshot, target, {
      signal: journal.signal,
      onProgress: (copied, total) =>
        journal.progress(`${formatBytes(copied)} of ${formatBytes(total)}`, copied / total),
    });
    return { detail: `${formatBytes(bytes)} (${method}) at ${formatBytes((bytes / durationMs) * 1000)}/s` };
  });
}
