/** One repeat: a clone under an unbroken load, the migration inside of it, and on demand its way back. */
import { join } from 'node:path';
import { checkInvariants } from '../invariants.ts';
import { planTransactions } from '../load/executor.ts';
import type { BlockRecord } from '../load/recorder.ts';
import { readSamples } from '../load/samples-file.ts';
import { describeSchema } from '../migrate/round-trip.ts';
import { onClone, warmStage, type LiveStage, type Rehearsal } from '../rehearsal.ts';
import { formatMs, formatPlural } from '../report/format.ts';
import type { Block } from '../result.ts';
import { AdversarySession } from './adversary.ts';
import { aftermathOf, tablesAmong, type Aftermath } from './aftermath.ts';
import { runMigrationCommand } from './command.ts';
import { withFelt } from './felt.ts';
import { bucketsOf, impactOf, type LiveSamples } from './impact.ts';
import { LockWatch, type LockLook } from './lock-watch.ts';
import { addedMigrations } from './added.ts';
import { Pass } from './pass.ts';
import { heldLocks, queueOf } from './queue-figures.ts';
import type { Adversary, LiveRepeat, RoundTrip } from './record.ts';
import type { RepeatRequest } from './request.ts';
import { applyAgain } from './round-trip.ts';
import { serverFigures } from './server-figures.ts';
import {
  changedPlans,
  changedRelations,
  readPlans,
  readRelations,
  type RelationState,
  type StatementPlan,
} from './server-state.ts';
import { ServerWatch, type ServerLook } from './server-watch.ts';
import { longestRecoveryMs, underLoad, type SteadyLoad } from './steady-load.ts';
import { relationsOf } from './tables.ts';

/** What a repeat found, in the directions that were asked for. */
export interface Repeat {
  up: LiveRepeat;
  down?: LiveRepeat;
}

/** Which of the repeats it is. */
interface Place {
  number: number;
  of: number;
}

export function carryOutRepeat(place: Place, request: RepeatRequest, rehearsal: Rehearsal): Promise<Repeat> {
  return onClone(rehearsal.stages[0]!, rehearsal, {}, (stage) =>
    new LiveRun(stage, place, request, rehearsal).carryOut(),
  );
}

/** One repeat on its clone. */
class LiveRun {
  readonly #stage: LiveStage;
  readonly #place: Place;
  readonly #request: RepeatRequest;
  readonly #rehearsal: Rehearsal;
  /** Before the migration, and after each direction. */
  readonly #schemas: string[][] = [];

  constructor(stage: LiveStage, place: Place, request: RepeatRequest, rehearsal: Rehearsal) {
    this.#stage = stage;
    this.#place = place;
    this.#request = request;
    this.#rehearsal = rehearsal;
  }

  async carryOut(): Promise<Repeat> {
    const { plan, journal } = this.#rehearsal;
    const { number, of } = this.#place;
    await warmStage(this.#stage, this.#rehearsal);
    const title = `Repeat ${number} of ${of}: migrate under ${plan.load.ratePerSecond} transactions a second`;
    const { repeat } = await journal.part(
      { name: 'measure', title, stage: this.#stage.planned.spec.name },
      async () => {
        const repeat = await this.#measure();
        return { repeat, detail: describe(repeat) };
      },
    );
    await this.#checkInvariants(repeat);
    if (repeat.down?.outcome === 'applied') repeat.down.roundTrip = await this.#applyAgain();
    return repeat;
  }

  #applyAgain(): Promise<RoundTrip> {
    const { plan, journal } = this.#rehearsal;
    const [before, applied, takenBack] = this.#schemas;
    const schemas = { before: before!, applied: applied!, takenBack: takenBack! };
    return applyAgain(this.#stage.connection, plan.stages.at(-1)!.migrations, schemas, journal.signal);
  }

  async #measure(): Promise<Repeat> {
    const { connection } = this.#stage;
    const { beforeMs, afterMs, down, longestMigrationMs } = this.#request;
    const { number } = this.#place;
    const samplesFile = `samples/repeat-${number}.bin`;
    const atStart = await readRelations(connection);
    const plans = await this.#readPlans();
    this.#schemas.push(await describeSchema(connection));
    await using serverWatch = await ServerWatch.start(connection);
    const order = {
      name: `repeat-${number}`,
      number,
      samplesFile,
      successor: this.#takesOver === undefined ? undefined : this.#rehearsal.plan.stages.at(-1),
      longestMs: beforeMs + (down ? 2 : 1) * (longestMigrationMs + afterMs + longestRecoveryMs),
    };
    const { blocks, value } = await underLoad(this.#stage, this.#rehearsal, order, async (load) => {
      await load.reaches(beforeMs);
      const there = await this.#under(load, (pass) => this.#migrate(pass, load));
      const back =
        down && there.pass.error === undefined ? await this.#under(load, (pass) => this.#takeBack(pass)) : undefined;
      return { there, back };
    });
    const { there, back } = value;
    const measured = { blocks, serverLooks: serverWatch.looks, atStart, plans };
    const up = await this.#describe(measured, there, { before: undefined, after: back?.pass });
    if (back === undefined) return { up };
    return { up, down: await this.#describe(measured, back, { before: there.pass, after: undefined }) };
  }

  /** One direction, and the load until it has recovered. */
  async #under(load: SteadyLoad, carryOut: (pass: Pass) => Promise<void>): Promise<Story> {
    const { adversary, longestMigrationMs } = this.#request;
    const pass = new Pass(longestMigrationMs);
    const { connection } = this.#stage;
    const before = await readRelations(connection);
    let looks: readonly LockLook[];
    {
      await using others = new AsyncDisposableStack();
      looks = others.use(await LockWatch.start(connection)).looks;
      if (adversary !== undefined) others.use(await this.#startAdversary(adversary));
      await carryOut(pass);
    }
    await load.recovers(this.#request.afterMs);
    const after = await readRelations(connection);
    this.#schemas.push(await describeSchema(connection));
    return { pass, looks, aftermath: await aftermathOf(connection), before, after, plans: await this.#readPlans() };
  }

  /** Of the statements that are running when the migration begins. */
  #readPlans(): Promise<StatementPlan[]> {
    const { plan } = this.#rehearsal;
    const { connection, planned } = this.#stage;
    return readPlans(connection, planTransactions(plan.scenario, planned.spec));
  }

  /** The version after which the new statements run; a migration that is also taken back stays with the old ones. */
  get #takesOver(): string | undefined {
    const { command, down } = this.#request;
    return command === undefined && !down ? this.#rehearsal.plan.stages.at(-1)!.spec.takesOver : undefined;
  }

  #migrate(pass: Pass, load: SteadyLoad): Promise<void> {
    const { command } = this.#request;
    if (command === undefined) {
      const order = this.#order('up', this.#rehearsal.plan.stages.at(-1)!.migrations.at(-1)!.version);
      const version = this.#takesOver;
      return pass.migrate(order, version === undefined ? undefined : { version, work: () => load.takeOver() });
    }
    const { connection, server } = this.#stage;
    const { signal } = this.#rehearsal.journal;
    const target = server.loopbackConnection(connection.database);
    return pass.command({ connection, signal }, command, (signal) =>
      runMigrationCommand(command, { target, folder: this.#rehearsal.plan.folder, signal }),
    );
  }

  #takeBack(pass: Pass): Promise<void> {
    return pass.migrate(this.#order('down', this.#stage.planned.migrations.at(-1)!.version));
  }

  #order(direction: 'up' | 'down', to: string) {
    const { plan, journal } = this.#rehearsal;
    return {
      connection: this.#stage.connection,
      migrations: plan.stages.at(-1)!.migrations,
      direction,
      to,
      folder: plan.folder,
      lockWait: this.#request.lockWait,
      signal: journal.signal,
    };
  }

  async #startAdversary({ kind, holdMs }: { kind: Adversary; holdMs: number }): Promise<AdversarySession> {
    const { connection } = this.#stage;
    return AdversarySession.start(connection, kind, await tablesAmong(connection, this.#relations()), holdMs);
  }

  /** What the migration names; undefined where only a command knows. */
  #relations(): string[] | undefined {
    if (this.#request.command !== undefined) return undefined;
    return relationsOf(addedMigrations(this.#rehearsal.plan));
  }

  /** @param around the passes before and after this one in the same load */
  async #describe(
    { blocks, serverLooks, atStart, plans }: Measured,
    { pass, looks, aftermath, ...story }: Story,
    { before, after }: { before: Pass | undefined; after: Pass | undefined },
  ): Promise<LiveRepeat> {
    const { plan, journal } = this.#rehearsal;
    const records = await Promise.all(blocks.map(({ samplesFile }) => readSamples(join(journal.folder, samplesFile))));
    const firstCounted = firstCountedArrival(records[0]!.block);
    const inLoad = (instant: number): number => instant - firstCounted;
    const loads = records.map(({ block, samples }) => {
      const fromMs = inLoad(firstCountedArrival(block));
      return { block, samples, fromMs, endMs: fromMs + block.stopMs - block.warmupMs };
    });
    const live: LiveSamples = {
      loads,
      quietFromMs: before === undefined ? 0 : inLoad(before.endedAt),
      migrationStartMs: inLoad(pass.startedAt),
      migrationEndMs: inLoad(pass.endedAt),
      endMs: after === undefined ? loads.at(-1)!.endMs : inLoad(after.startedAt),
      limitMs: plan.slo.limitMs,
    };
    const [first, second] = blocks;
    const during = looks.filter(({ atMs }) => atMs >= pass.startedAt && atMs <= pass.endedAt);
    return {
      startedAt: first!.startedAt,
      ...(this.#request.adversary === undefined ? {} : { adversary: this.#request.adversary.kind }),
      migrationStartMs: live.migrationStartMs,
      migrationEndMs: live.migrationEndMs,
      endMs: live.endMs,
      outcome: pass.error === undefined ? 'applied' : 'failed',
      ...(pass.error === undefined ? {} : { error: pass.error }),
      retries: pass.retries,
      statements: withFelt(pass.statementsOf(during, inLoad), live, during, inLoad),
      locks: heldLocks(during, pass.endedAt),
      impact: impactOf(live),
      queue: queueOf(during),
      walBytes: pass.walBytes,
      server: {
        ...changedRelations({ atStart, before: story.before, after: story.after }),
        plans: changedPlans(plans, story.plans),
        ...serverFigures(serverLooks, pass),
      },
      ...aftermath,
      buckets: bucketsOf(live),
      generatorLatenessP99Us: Math.max(...blocks.map(({ generator }) => generator.lateness.p99Us)),
      samplesFile: first!.samplesFile,
      ...(second === undefined
        ? {}
        : { takeOver: { version: this.#takesOver!, atMs: loads[1]!.fromMs, samplesFile: second.samplesFile } }),
    };
  }

  /** Those of the stage that the database is at in the end; where it is at none, only what holds for all of them can be asked. */
  async #checkInvariants(repeat: Repeat): Promise<void> {
    const { plan, journal } = this.#rehearsal;
    const name = this.#stageInTheEnd(repeat);
    await journal.part({ name: 'correctness', title: 'Check invariants', stage: name }, async () => {
      const { invariants = {} } = plan.scenario.workload;
      const options = {
        stage: name,
        when: 'loaded',
        connection: this.#stage.connection,
        signal: journal.signal,
      } as const;
      const outcomes = await checkInvariants(invariants, options);
      journal.result.invariants.push(...outcomes);
      return { detail: `${formatPlural(outcomes.length, 'invariant')} asked` };
    });
  }

  /** A command leaves the schema of no stage, and so does a migration that failed half-way. */
  #stageInTheEnd({ up, down }: Repeat): string {
    const { command, down: isTakenBack } = this.#request;
    if (command !== undefined) return 'command';
    if (up.outcome === 'failed' || down?.outcome === 'failed') return 'unfinished';
    return this.#rehearsal.plan.stages.at(isTakenBack ? 0 : -1)!.spec.name;
  }
}

/** One direction, and what it left behind when the load had recovered. */
interface Story {
  pass: Pass;
  looks: readonly LockLook[];
  aftermath: Aftermath;
  /** Tables and indexes when it began, and then; plans of the statements then. */
  before: readonly RelationState[];
  after: readonly RelationState[];
  plans: readonly StatementPlan[];
}

/** The load of a repeat from its beginning to its end. */
interface Measured {
  blocks: readonly Block[];
  serverLooks: readonly ServerLook[];
  /** Tables, indexes and plans before it. */
  atStart: readonly RelationState[];
  plans: readonly StatementPlan[];
}

function firstCountedArrival({ startedAt, warmupMs }: BlockRecord): number {
  return Date.parse(startedAt) + warmupMs;
}

function describe({ up, down }: Repeat): string {
  return [describePass(up), ...(down === undefined ? [] : [`and back: ${describePass(down)}`])].join('; ');
}

function describePass({ outcome, impact, migrationStartMs, migrationEndMs }: LiveRepeat): string {
  const stall = `longest stall ${formatMs(impact.longestStallMs)}`;
  return `${outcome} in ${formatMs(migrationEndMs - migrationStartMs)}, ${stall}, ${formatPlural(impact.failed, 'transaction')} failed`;
}
