/** One of the workloads on a small seeded database, and what the tests of each of them ask of every stage. */
import { join } from 'node:path';
import type { Client } from 'pg';
import { expect } from 'vitest';
import { createDatabase, withClient } from '../../src/database.ts';
import { checkInvariants } from '../../src/invariants.ts';
import { collectAnswers, compareAnswers, type Answers } from '../../src/load/answers.ts';
import { runBlock } from '../../src/load/engine.ts';
import { migrate, readMigrations, type Migration } from '../../src/migrate.ts';
import { roundTrip } from '../../src/migrate/round-trip.ts';
import { defaultLoad, defaultSlo, type ScenarioSpec, type StageSpec } from '../../src/scenario.ts';
import { loadSeed } from '../../src/seed/load.ts';
import type { ConnectionTarget, Server } from '../../src/server/server.ts';
import { temporaryFolder } from './postgres.ts';

const root = join(import.meta.dirname, '..', '..');

interface SeedRequest {
  scenarioFile: string;
  seed: number;
  scale: number;
}

export class SeededWorkload {
  /** The database that was seeded; the copies are made from it. */
  readonly seeded: ConnectionTarget;
  readonly migrations: readonly Migration[];
  readonly #scenario: ScenarioSpec;
  readonly #server: Server;
  readonly #name: string;
  readonly #common: SeedRequest;
  /** Loads so far: each has keys of its own. */
  #blocks = 0;

  private constructor(
    server: Server,
    name: string,
    scenario: ScenarioSpec,
    migrations: readonly Migration[],
    common: SeedRequest,
  ) {
    this.#server = server;
    this.#name = name;
    this.seeded = server.connection(name);
    this.#scenario = scenario;
    this.migrations = migrations;
    this.#common = common;
  }

  /** Seeds the baseline into a database of the workload's name on the server. */
  static async seed(server: Server, name: string, scenario: ScenarioSpec, scale: number): Promise<SeededWorkload> {
    const migrations = await readMigrations(join(root, scenario.workload.migrations));
    const common = { scenarioFile: join(root, 'scenarios', `${name}.ts`), seed: 1, scale };
    await createDatabase(server, name);
    const connection = server.connection(name);
    await migrate(connection, migrations, { to: scenario.workload.baseline });
    await loadSeed({ ...common, connection, workers: 1 });
    return new SeededWorkload(server, name, scenario, migrations, common);
  }

  /** A copy of the seeded database, or of a copy of it. */
  async copy(name: string, of?: string): Promise<ConnectionTarget> {
    const database = (copy: string) => `${this.#name}_${copy.replaceAll('-', '_')}`;
    const template = of === undefined ? this.#name : database(of);
    await withClient(this.#server.connection(), (client) =>
      client.query(`CREATE DATABASE ${database(name)} TEMPLATE ${template}`),
    );
    return this.#server.connection(database(name));
  }

  /** Takes the database up to a stage. */
  async migrateTo(connection: ConnectionTarget, { migrations: version }: StageSpec): Promise<void> {
    await migrate(connection, this.migrations, version === 'latest' ? {} : { to: version });
  }

  /** Every migration up, down and up again, then all down: what `contents` reads of the baseline is there each time. */
  async roundTrip(contents: (client: Client) => Promise<unknown>): Promise<void> {
    const connection = await this.copy('round_trip');
    const { baseline } = this.#scenario.workload;
    const before = await withClient(connection, contents);
    const records = await roundTrip(connection, this.migrations, { from: baseline });
    const versions = this.migrations.map(({ version }) => version);
    expect(records.map(({ version }) => version)).toEqual(versions.slice(versions.indexOf(baseline) + 1));
    expect(await withClient(connection, contents)).toEqual(before);
    await migrate(connection, this.migrations, { direction: 'down', to: baseline });
    expect(await withClient(connection, contents)).toEqual(before);
  }

  /**
   * Climbs the ladder: every stage answers as the first where it says so; a short load on a copy succeeds as a whole, background
   * jobs included; invariants hold before and after it.
   *
   * @param ask what else a stage has to show, of the database that was loaded
   */
  async climb(
    setsPerTransaction: number,
    ask: (stage: StageSpec, loaded: ConnectionTarget) => Promise<void> = async () => {},
  ): Promise<void> {
    const ladder = await this.copy('ladder');
    let first: Answers | undefined;
    for (const stage of this.#scenario.stages) {
      await this.migrateTo(ladder, stage);
      const answers = await collectAnswers({
        ...this.#common,
        stage: stage.name,
        connection: ladder,
        setsPerTransaction,
      });
      first ??= answers;
      expectEqual(stage, first, answers);
      expect(await this.brokenInvariants(stage.name, ladder)).toEqual([]);
      const loaded = await this.copy(`load_${stage.name}`, 'ladder');
      await this.shortLoad(stage, loaded, 1_200);
      expect(await this.brokenInvariants(stage.name, loaded)).toEqual([]);
      await ask(stage, loaded);
    }
  }

  async brokenInvariants(stage: string, connection: ConnectionTarget): Promise<string[]> {
    const { invariants = {} } = this.#scenario.workload;
    const outcomes = await checkInvariants(invariants, { stage, connection, when: 'loaded' });
    return outcomes.filter(({ holds }) => !holds).map(({ name }) => name);
  }

  /** Every arrival succeeds, and every job was carried out without an error. */
  async shortLoad(
    { name: stage, jobs = {} }: StageSpec,
    connection: ConnectionTarget,
    durationMs: number,
  ): Promise<void> {
    await using folder = await temporaryFolder();
    const soon = Object.entries(jobs).map(([name, job]) => [name, Object.assign({}, job, { firstMs: 100 })]);
    const block = await runBlock({
      ...this.#common,
      stage,
      connection,
      id: stage,
      blockNumber: ++this.#blocks,
      load: { ...defaultLoad, ratePerSecond: 120, durationMs, warmupMs: 100, connections: 4 },
      slo: defaultSlo,
      samplesPath: join(folder.path, 'samples.bin'),
      jobs: Object.fromEntries(soon),
    });
    const { scheduled, succeeded } = block.counts;
    const errors = block.transactions.map((transaction) => transaction.errors);
    expect({ stage, succeeded, errors }).toMatchObject({ succeeded: scheduled });
    const runs = new Map(block.jobs?.map(({ name, error }) => [name, error]));
    expect({ stage, runs }).toEqual({ stage, runs: new Map(Object.keys(jobs).map((name) => [name, undefined])) });
  }
}

function expectEqual({ name: stage, answersDiffer = {} }: StageSpec, first: Answers, answers: Answers): void {
  for (const outcome of compareAnswers(first, answers, answersDiffer)) {
    const { transaction, different, unanswered, example } = outcome;
    expect({ stage, transaction, different, unanswered, example }).toMatchObject({ different: 0, unanswered: 0 });
  }
  const texts = Object.values(answers.transactions).flatMap((sets) =>
    sets.flatMap((answer) => (answer.status === 'answered' ? [answer.text] : [])),
  );
  expect(texts.filter((text) => text.startsWith('error'))).toEqual([]);
}
