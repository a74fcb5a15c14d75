/** The migration ended by force at seeded points, each time on a quiet clone, and mended: what it is then must be what it is undisturbed. */
import { messageOf } from '../errors.ts';
import { checkInvariants } from '../invariants.ts';
import { migrate, status, type Migration, type MigrationStatus } from '../migrate.ts';
import { onClone, type LiveStage, type Rehearsal } from '../rehearsal.ts';
import { formatMs, formatPlural } from '../report/format.ts';
import { laneOf, unit } from '../seed/random.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { aftermathOf } from './aftermath.ts';
import { migrateUntil, untilNobodyMigrates, type Blow } from './killed-runner.ts';
import { defaultLongestMigrationMs, Pass } from './pass.ts';
import { columnChecksums, columnsThatDiffer, differences, portraitOf, type Portrait } from './portrait.ts';
import { killKinds, type KillPoint, type LiveStatement } from './record.ts';
import type { LiveRequest } from './request.ts';

/** The migration when nobody disturbs it. */
interface Reference {
  statements: LiveStatement[];
  portrait: Portrait;
  /** Columns whose values are of the clock or chance. */
  leaveOut: Set<string>;
}

/** Tells each point as soon as it is done. */
export async function carryOutKillPoints(
  { killPoints: count, longestMigrationMs }: Pick<LiveRequest, 'killPoints' | 'longestMigrationMs'>,
  rehearsal: Rehearsal,
  onPoint: (point: KillPoint) => Promise<void>,
): Promise<void> {
  const { journal, plan } = rehearsal;
  const reference = await undisturbed(rehearsal, longestMigrationMs);
  for (let number = 0; number < count; number++) {
    const title = `Kill point ${number + 1} of ${count}`;
    const { point } = await journal.part({ name: 'correctness', title }, async () => {
      const point = await onClone(rehearsal.stages[0]!, rehearsal, {}, (stage) => {
        const kinds = stage.server.pid === undefined ? killKinds.slice(0, 2) : killKinds;
        const blow = {
          kind: kinds[number % kinds.length]!,
          ...pointInTime(reference.statements, number, count, plan.seed),
        };
        return strikeAndMend(stage, blow, reference, rehearsal);
      });
      return { point, detail: describe(point) };
    });
    await onPoint(point);
  }
}

/** Statements and COMMITs count alike, however short they are; the points are spread over them evenly, each at random in its part. */
export function pointInTime(
  statements: readonly Pick<LiveStatement, 'startMs' | 'endMs'>[],
  number: number,
  count: number,
  seed: number,
): Pick<Blow, 'statement' | 'afterMs'> {
  const place = ((number + unit(laneOf('kill point', seed), number)) / count) * statements.length;
  const statement = Math.floor(place);
  const { startMs, endMs } = statements[statement]!;
  return { statement, afterMs: (place - statement) * (endMs - startMs) };
}

/** Once, in two parts: as the snapshot of the last stage was made, and again with the time that each statement takes. */
async function undisturbed(rehearsal: Rehearsal, longestMigrationMs: number): Promise<Reference> {
  const { plan, journal, stages } = rehearsal;
  const part = { name: 'correctness', title: 'Migrate a quiet clone that nobody disturbs' } as const;
  const { reference } = await journal.part(part, async () => {
    const other = await onClone(stages.at(-1)!, rehearsal, {}, ({ connection }) => columnChecksums(connection));
    const reference = await onClone(stages[0]!, rehearsal, {}, async ({ connection }): Promise<Reference> => {
      const { migrations } = plan.stages.at(-1)!;
      // A time that is short for a migration under load says nothing of one that nobody disturbs.
      const pass = new Pass(Math.max(longestMigrationMs, defaultLongestMigrationMs));
      const to = migrations.at(-1)!.version;
      await pass.migrate({ connection, migrations, direction: 'up', to, folder: plan.folder, signal: journal.signal });
      const leaveOut = columnsThatDiffer(await columnChecksums(connection), other);
      const statements = pass.statementsOf([], (instant) => instant - pass.startedAt);
      return { statements, leaveOut, portrait: await portraitOf(connection, leaveOut) };
    });
    return { reference, detail: formatPlural(reference.statements.length, 'statement') };
  });
  return reference;
}

async function strikeAndMend(
  { connection }: LiveStage,
  blow: Blow,
  { statements, portrait, leaveOut }: Reference,
  { plan, journal }: Rehearsal,
): Promise<KillPoint> {
  const { migrations, spec } = plan.stages.at(-1)!;
  const struckAt = await migrateUntil({ connection, migrations }, blow, journal.signal);
  const begunAt = struckAt ?? Date.now();
  await untilNobodyMigrates(connection);
  const left = await leftBehind(connection, migrations);
  const mended = await mend(connection, migrations);
  const recoveryMs = Date.now() - begunAt;
  const found = await portraitOf(connection, leaveOut);
  const invariants = await checkInvariants(plan.scenario.workload.invariants ?? {}, {
    stage: spec.name,
    when: 'loaded',
    connection,
  });
  const { migration, file, line, text } = statements[blow.statement]!;
  return {
    kind: blow.kind,
    migration,
    file,
    line,
    text,
    afterMs: blow.afterMs,
    hit: struckAt !== undefined,
    left,
    recovery: mended.recovery,
    recoveryMs,
    faults: [
      ...(mended.error === undefined ? [] : [mended.error]),
      ...differences(portrait.schema, found.schema),
      ...differences(portrait.versions, found.versions),
    ],
    dataFaults: [
      ...differences(portrait.rows, found.rows),
      ...invariants.filter(({ holds }) => !holds).map(({ name }) => `the invariant ${name} does not hold`),
    ],
  };
}

async function unfinishedIn(
  connection: ConnectionTarget,
  migrations: readonly Migration[],
): Promise<MigrationStatus | undefined> {
  return (await status(connection, migrations)).find(({ state }) => state === 'unfinished');
}

async function leftBehind(connection: ConnectionTarget, migrations: readonly Migration[]): Promise<string[]> {
  const unfinished = await unfinishedIn(connection, migrations);
  const { invalidIndexes } = await aftermathOf(connection);
  return [
    ...(unfinished === undefined ? [] : [`${unfinished.version}_${unfinished.name} half-applied`]),
    ...invalidIndexes.map((name) => `invalid index ${name}`),
  ];
}

/** As the runner's own messages advise: run it again; where a file that is no single transaction is unfinished, take that back before. */
async function mend(
  connection: ConnectionTarget,
  migrations: readonly Migration[],
): Promise<Pick<KillPoint, 'recovery'> & { error?: string }> {
  try {
    const unfinished = await unfinishedIn(connection, migrations);
    if (unfinished !== undefined) {
      const below =
        migrations[migrations.findIndex(({ version }) => version === unfinished.version) - 1]?.version ?? '000';
      await migrate(connection, migrations, { direction: 'down', to: below });
    }
    await migrate(connection, migrations);
    return { recovery: unfinished === undefined ? 'run again' : 'taken back and run again' };
  } catch (error) {
    return { recovery: 'failed', error: messageOf(error) };
  }
}

function describe({ kind, file, line, hit, recovery, recoveryMs, faults, dataFaults }: KillPoint): string {
  const place = `${kind} killed at ${file}:${line}${hit ? '' : ', too late'}`;
  const wrong = faults.length + dataFaults.length;
  return `${place}: ${recovery} in ${formatMs(recoveryMs)}, ${wrong === 0 ? 'as undisturbed' : `${wrong} differences`}`;
}
