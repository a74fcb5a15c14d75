/** The migration inside of the load: the old statements keep running while the schema changes under them (docs/method.md). */
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { RunControl } from '../journal.ts';
import { checkInvariants } from '../invariants.ts';
import { LoadSession } from '../load/engine.ts';
import { readSamples } from '../load/samples-file.ts';
import { migrate, type LockWait, type Migration } from '../migrate.ts';
import type { PlannedStage, RunPlan } from '../plan.ts';
import { onClone, rehearse, type LiveStage, type Rehearsal } from '../rehearsal.ts';
import { formatMs, formatPlural } from '../report/format.ts';
import type { Block, RunResult } from '../result.ts';
import type { SqlStatement } from '../sql.ts';
import { AdversarySession } from './adversary.ts';
import { runMigrationCommand } from './command.ts';
import { aftermathOf, tablesAmong, walPosition } from './aftermath.ts';
import { findingsOf } from './findings.ts';
import { bucketsOf, impactOf } from './impact.ts';
import { LockWatch, type LockLook } from './lock-watch.ts';
import { heldLocks, queueOf, waitBetween } from './queue-figures.ts';
import type { Adversary, Budgets, LiveMigration, LiveRepeat, LiveStatement } from './record.ts';
import { relationsOf } from './tables.ts';

/** How a migration is rehearsed. */
export interface LiveRequest {
  budgets: Budgets;
  repeats: number;
  /** Load before the migration, and the least after it. */
  beforeMs: number;
  afterMs: number;
  adversary?: { kind: Adversary; holdMs: number };
  lockWait?: LockWait;
  /** A command of the user's, in place of our runner. */
  command?: string;
}

/** A migration that takes longer than this under load is given up. */
const longestMigrationMs = 600_000;
/** After the migration the load goes on until nothing waits any more, but not for longer than this. */
const longestRecoveryMs = 60_000;

/**
 * Applies what the last stage of the plan has and the first has not, under the load of the first, `repeats` times from fresh clones.
 *
 * @returns the result, with verdict on the worst repeat, also when the signal interrupted it
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export function rehearseMigration(plan: RunPlan, request: LiveRequest, control: RunControl = {}): Promise<RunResult> {
  const [first, last] = [plan.stages[0]!, plan.stages.at(-1)!];
  const live: LiveMigration = {
    from: first.spec.name,
    to: request.command ?? last.spec.name,
    budgets: request.budgets,
    ...(request.adversary === undefined ? {} : { adversary: request.adversary.kind }),
    ...(request.lockWait === undefined ? {} : { lockWait: request.lockWait }),
    findings: request.command === undefined ? findingsOf(addedMigrations(first, last), plan.folder) : [],
    quietMs: {},
    repeats: [],
  };
  return rehearse(plan, control, { liveMigration: live }, async (rehearsal) => {
    if (request.command === undefined) {
      for (const { version, name, durationMs } of rehearsal.stages.at(-1)!.prepared.applied) {
        live.quietMs[`${version}_${name}`] = durationMs;
      }
    }
    await mkdir(join(plan.outDir, 'samples'), { recursive: true });
    for (let number = 1; number <= request.repeats; number++) {
      const repeat = await onClone(rehearsal.stages[0]!, rehearsal, {}, (stage) =>
        new LiveRun(stage, number, request, rehearsal).carryOut(),
      );
      live.repeats.push(repeat);
      await rehearsal.journal.save();
    }
  });
}

/** Migrations that one stage has beside those of another. */
function addedMigrations(first: PlannedStage, last: PlannedStage): Migration[] {
  const known = new Set(first.migrations.map(({ version }) => version));
  return last.migrations.filter(({ version }) => !known.has(version));
}

/** One repeat on its clone. */
class LiveRun {
  readonly #stage: LiveStage;
  readonly #number: number;
  readonly #request: LiveRequest;
  readonly #rehearsal: Rehearsal;
  readonly #statements: (Omit<LiveStatement, 'waitedMs' | 'blockers' | 'startMs' | 'endMs'> & {
    startedAt: number;
    endedAt: number;
  })[] = [];
  #retries = 0;

  constructor(stage: LiveStage, number: number, request: LiveRequest, rehearsal: Rehearsal) {
    this.#stage = stage;
    this.#number = number;
    this.#request = request;
    this.#rehearsal = rehearsal;
  }

  /** Migrations that the last stage has and this one has not. */
  get #migrations(): Migration[] {
    return this.#rehearsal.plan.stages.at(-1)!.migrations;
  }

  async carryOut(): Promise<LiveRepeat> {
    const { plan, journal } = this.#rehearsal;
    const title = `Repeat ${this.#number} of ${this.#request.repeats}: migrate under ${plan.load.ratePerSecond} transactions a second`;
    const { repeat } = await journal.part(
      { name: 'measure', title, stage: this.#stage.planned.spec.name },
      async () => {
        const repeat = await this.#measure();
        return { repeat, detail: describe(repeat) };
      },
    );
    await this.#checkInvariants();
    return repeat;
  }

  async #measure(): Promise<LiveRepeat> {
    const { plan, journal } = this.#rehearsal;
    const { connection, planned } = this.#stage;
    const samplesFile = `samples/repeat-${this.#number}.bin`;
    await using session = await LoadSession.open({
      scenarioFile: plan.scenarioFile,
      stage: planned.spec.name,
      connection,
      seed: plan.seed,
      scale: plan.scale,
      load: planned.load,
      workers: plan.workers,
    });
    await using watch = await LockWatch.start(connection);
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    journal.signal?.addEventListener('abort', onAbort, { once: true });
    const { beforeMs, afterMs } = this.#request;
    const durationMs = beforeMs + longestMigrationMs + afterMs + longestRecoveryMs;
    const load = new LoadState();
    const driven = session.runBlock({
      id: `repeat-${this.#number}`,
      blockNumber: this.#number,
      load: { ...planned.load, durationMs },
      slo: plan.slo,
      samplesPath: join(journal.folder, samplesFile),
      samplesName: samplesFile,
      minimumMs: durationMs,
      backlogLimit: Infinity,
      signal: stop.signal,
      onProgress: (progress) => load.note(progress.elapsedMs, progress.backlog),
    });
    try {
      await load.reaches(plan.load.warmupMs + beforeMs, journal.signal);
      const story = await this.#migrateUnderLoad();
      await load.recovers(afterMs, journal.signal);
      stop.abort();
      return await this.#describe(await driven, story, watch.looks, samplesFile);
    } finally {
      stop.abort();
      journal.signal?.removeEventListener('abort', onAbort);
      await driven.catch(() => undefined);
    }
  }

  async #migrateUnderLoad(): Promise<Story> {
    const { connection } = this.#stage;
    const { journal } = this.#rehearsal;
    const { adversary } = this.#request;
    const walBefore = await walPosition(connection);
    await using others = new AsyncDisposableStack();
    if (adversary !== undefined) others.use(await this.#startAdversary(adversary));
    const startedAt = Date.now();
    let error: string | undefined;
    try {
      await this.#migrate(
        AbortSignal.any([AbortSignal.timeout(longestMigrationMs), ...(journal.signal ? [journal.signal] : [])]),
      );
    } catch (thrown) {
      journal.signal?.throwIfAborted();
      error = messageOf(thrown);
    }
    return { startedAt, endedAt: Date.now(), error, walBytes: (await walPosition(connection)) - walBefore };
  }

  async #migrate(signal: AbortSignal): Promise<void> {
    const { command, lockWait } = this.#request;
    const { connection, server } = this.#stage;
    if (command !== undefined) {
      const target = server.loopbackConnection(connection.database);
      await this.#asStatement(command, () =>
        runMigrationCommand(command, { target, folder: this.#rehearsal.plan.folder, signal }),
      );
      return;
    }
    await migrate(connection, this.#migrations, {
      signal,
      ...(lockWait === undefined ? {} : { lockWait }),
      onMigration: ({ status }) => {
        if (status === 'retrying') this.#noteRetry();
      },
      onStatement: (migration, statement, status) => this.#noteStatement(migration, statement, status),
    });
  }

  /** What a command does inside is not seen; it is told as one statement. */
  async #asStatement(command: string, work: () => Promise<void>): Promise<void> {
    const entry = { migration: '', file: '', line: 1, text: command, startedAt: Date.now(), endedAt: 0 };
    this.#statements.push(entry);
    try {
      await work();
    } finally {
      entry.endedAt = Date.now();
    }
  }

  async #startAdversary({ kind, holdMs }: { kind: Adversary; holdMs: number }): Promise<AdversarySession> {
    const { connection } = this.#stage;
    return AdversarySession.start(connection, kind, await tablesAmong(connection, this.#relations()), holdMs);
  }

  /** What the migration names; undefined where only a command knows. */
  #relations(): string[] | undefined {
    if (this.#request.command !== undefined) return undefined;
    return relationsOf(addedMigrations(this.#stage.planned, this.#rehearsal.plan.stages.at(-1)!));
  }

  /** The statement that waited in vain has ended, and everything of its file is undone. */
  #noteRetry(): void {
    this.#retries++;
    Object.assign(this.#statements.at(-1)!, { endedAt: Date.now(), error: 'lock timeout' });
  }

  #noteStatement(migration: Migration, statement: SqlStatement | undefined, status: 'started' | 'finished'): void {
    if (status === 'finished') {
      this.#statements.at(-1)!.endedAt = Date.now();
      return;
    }
    const text = statement?.text ?? 'COMMIT';
    this.#statements.push({
      migration: `${migration.version}_${migration.name}`,
      file: relative(this.#rehearsal.plan.folder, migration.up.path),
      line: statement?.line ?? migration.up.statements.at(-1)?.line ?? 1,
      text: text.replaceAll(/\s+/g, ' ').slice(0, 300),
      startedAt: Date.now(),
      endedAt: 0,
    });
  }

  async #describe(block: Block, story: Story, looks: readonly LockLook[], samplesFile: string): Promise<LiveRepeat> {
    const { plan, journal } = this.#rehearsal;
    const { block: record, samples } = await readSamples(join(journal.folder, samplesFile));
    const firstCounted = Date.parse(block.startedAt) + record.warmupMs;
    const inLoad = (instant: number): number => instant - firstCounted;
    const [migrationStartMs, migrationEndMs] = [inLoad(story.startedAt), inLoad(story.endedAt)];
    const endMs = record.stopMs - record.warmupMs;
    const live = { block: record, samples, migrationStartMs, migrationEndMs, endMs, limitMs: plan.slo.limitMs };
    const during = looks.filter(({ atMs }) => atMs >= story.startedAt && atMs <= story.endedAt);
    return {
      startedAt: block.startedAt,
      migrationStartMs,
      migrationEndMs,
      endMs,
      outcome: story.error === undefined ? 'applied' : 'failed',
      ...(story.error === undefined ? {} : { error: story.error }),
      retries: this.#retries,
      statements: this.#statements.map(({ startedAt, endedAt, ...statement }) => {
        const ended = endedAt === 0 ? story.endedAt : endedAt;
        return Object.assign(
          { startMs: inLoad(startedAt), endMs: inLoad(ended), ...waitBetween(during, startedAt, ended) },
          statement,
        );
      }),
      locks: heldLocks(during),
      impact: impactOf(live),
      queue: queueOf(during),
      walBytes: story.walBytes,
      ...(await aftermathOf(this.#stage.connection)),
      buckets: bucketsOf(live),
      generatorLatenessP99Us: block.generator.lateness.p99Us,
      samplesFile,
    };
  }

  /** Those of the stage that the migration leads to. */
  async #checkInvariants(): Promise<void> {
    const { plan, journal } = this.#rehearsal;
    // After a command the schema is that of no stage: only what holds for all of them can be asked.
    const name = this.#request.command === undefined ? plan.stages.at(-1)!.spec.name : 'command';
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
}

/** Instants are of Date.now(). */
interface Story {
  startedAt: number;
  endedAt: number;
  error: string | undefined;
  walBytes: number;
}

/** How far the load is, as its looks tell ten times a second. */
class LoadState {
  #elapsedMs = 0;
  #backlog = 0;

  note(elapsedMs: number, backlog: number): void {
    this.#elapsedMs = elapsedMs;
    this.#backlog = backlog;
  }

  async reaches(elapsedMs: number, signal: AbortSignal | undefined): Promise<void> {
    while (this.#elapsedMs < elapsedMs) await rest(signal);
  }

  /** At least `leastMs`, and then until nothing waits. */
  async recovers(leastMs: number, signal: AbortSignal | undefined): Promise<void> {
    const from = this.#elapsedMs;
    await this.reaches(from + leastMs, signal);
    while (this.#backlog > 0 && this.#elapsedMs < from + leastMs + longestRecoveryMs) await rest(signal);
  }
}

function rest(signal: AbortSignal | undefined): Promise<void> {
  return sleep(50, undefined, signal === undefined ? {} : { signal });
}

function describe({ outcome, impact, migrationStartMs, migrationEndMs }: LiveRepeat): string {
  const stall = `longest stall ${formatMs(impact.longestStallMs)}`;
  return `${outcome} in ${formatMs(migrationEndMs - migrationStartMs)}, ${stall}, ${formatPlural(impact.failed, 'transaction')} failed`;
}
