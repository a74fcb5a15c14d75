/** `pgrehearse init`: a config, a scenario, a seed and, where there are none, migrations, around the user's own project. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { withClient, withScratchDatabase } from '../database.ts';
import { messageOf, PgrehearseError, UsageError } from '../errors.ts';
import { migrate, readMigrations, type Migration } from '../migrate.ts';
import type { MigrationFormatName } from '../migrate/formats/format.ts';
import { compareVersions } from '../migrate/versions.ts';
import { checkScenario } from '../scenario-check.ts';
import { importScenario } from '../scenario-module.ts';
import { bindSeed } from '../seed/bind.ts';
import { inspectTables } from '../seed/inspect.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { quoteIdentifier } from '../sql.ts';
import { toolVersion } from '../tool.ts';
import { readCatalogue, type CatalogueTable } from './catalogue.ts';
import { exampleBaseline, exampleMigrations } from './example.ts';
import { linkPackage } from './package-link.ts';
import { describeProject, findMigrations, type FoundMigrations, type Project } from './project.ts';
import { scenarioSource } from './scenario-source.ts';
import { seedSource } from './seed-source.ts';
import { seedTables, type TableSeed } from './table-seed.ts';

export interface InitRequest {
  /** Absolute path of the project. */
  folder: string;
  /** Folder of migrations; default: found. */
  migrations?: string;
  format?: MigrationFormatName;
  /** Version after which the seed is loaded; default: the newest that is there. */
  baseline?: string;
  cacheDir?: string;
  signal: AbortSignal;
}

export interface InitOutcome {
  /** Paths as seen from the project. */
  written: string[];
  /** What was there already, and stayed as it is. */
  kept: string[];
  /** The migrations that the seed was derived from. */
  migrations: { folder: string; format: MigrationFormatName; count: number };
  tables: string[];
  /** What needs the user's hand, in sentences. */
  notes: string[];
  /** Name or path of the scenario, as `run` takes it. */
  scenario: string;
}

/**
 * Reads the schema that the migrations make on a scratch server, and writes files that fit it. Nothing that exists is overwritten.
 * @throws UsageError when migrations cannot be used, or make no table that can be rehearsed
 */
export async function initProject(request: InitRequest): Promise<InitOutcome> {
  const { folder, cacheDir, signal } = request;
  const project = await describeProject(folder);
  const found = await findMigrations(folder, request);
  await using example = found === undefined ? await exampleFolder() : undefined;
  const source = found ?? example!.found;
  const baseline = baselineOf(source, found === undefined ? exampleBaseline : request.baseline);
  return await withScratchDatabase(cacheDir, signal, async (connection) => {
    const { now, later } = await readSchemas(connection, source.migrations, baseline, signal);
    const seeds = seedTables(now);
    const files = filesOf({ project, source, isExample: found === undefined, baseline, seeds, later });
    const { written, kept } = await writeFiles(project.folder, files.texts);
    const link = await linkPackage(folder);
    if (link !== undefined) written.push(`${relative(folder, link)} (a link to this installation)`);
    return {
      written,
      kept,
      migrations: { folder: files.migrationsFolder, format: source.format, count: source.migrations.length },
      tables: seeds.map(({ table }) => table.name),
      notes: [...notesOn(now, seeds), ...(await faultsOfSeed(connection, join(folder, files.scenario)))],
      scenario: kept.includes(files.config) ? `./${files.scenario}` : project.name,
    };
  });
}

/** The example's migrations where they can be applied before anything is written to the project. */
async function exampleFolder(): Promise<AsyncDisposable & { found: FoundMigrations }> {
  const folder = await mkdtemp(join(tmpdir(), 'pgrehearse-init-'));
  for (const [name, text] of Object.entries(exampleMigrations)) await writeFile(join(folder, name), text);
  const found: FoundMigrations = { folder, format: 'pgrehearse', migrations: await readMigrations(folder) };
  return { found, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

function baselineOf({ migrations }: FoundMigrations, wanted: string | undefined): string {
  if (wanted === undefined) return migrations.at(-1)!.version;
  const known = migrations.map(({ version }) => version);
  if (known.includes(wanted)) return wanted;
  throw new UsageError(`There is no migration with version "${wanted}".`, {
    hint: `The known versions are ${known.join(', ')}.`,
  });
}

/** The tables at the baseline, where the connection's database stays, and after all migrations. */
async function readSchemas(
  connection: ConnectionTarget,
  migrations: readonly Migration[],
  baseline: string,
  signal: AbortSignal,
): Promise<{ now: CatalogueTable[]; later: CatalogueTable[] }> {
  await migrate(connection, migrations, { to: baseline, signal });
  const now = await withClient(connection, readCatalogue);
  if (compareVersions(migrations.at(-1)!.version, baseline) === 0) return { now, later: now };
  const copy = { ...connection, database: `${connection.database}_later` };
  await withClient({ ...connection, database: 'postgres' }, (client) =>
    client.query(`CREATE DATABASE ${quoteIdentifier(copy.database)} TEMPLATE ${quoteIdentifier(connection.database)}`),
  );
  await migrate(copy, migrations, { signal });
  return { now, later: await withClient(copy, readCatalogue) };
}

interface FileContext {
  project: Project;
  source: FoundMigrations;
  isExample: boolean;
  baseline: string;
  seeds: readonly TableSeed[];
  later: readonly CatalogueTable[];
}

/** Where the example's migrations go. */
const exampleMigrationsFolder = 'db/migrations';

/** All files by path from the project's folder. */
function filesOf({ project, source, isExample, baseline, seeds, later }: FileContext) {
  const { name, folder, packageFolder, extension } = project;
  const config = `pgrehearse.config${extension}`;
  const scenario = `load/${name}${extension}`;
  const seedModule = `${name}-seed${extension}`;
  const inProject = isExample ? exampleMigrationsFolder : pathFrom(folder, source.folder);
  const migrationsPath = pathFrom(packageFolder ?? folder, join(folder, inProject));
  const text = scenarioSource({
    name,
    seedModule: `./${seedModule}`,
    migrations: migrationsPath,
    format: source.format,
    before: baseline,
    after: 'latest',
    seeds,
    later,
  });
  if (text === undefined) {
    throw new UsageError(`The migrations in ${source.folder} make no table with a primary key that a seed can fill.`, {
      hint: 'Write the scenario by hand; docs/scenarios.md shows how.',
    });
  }
  const texts: Record<string, string> = {
    ...(packageFolder === undefined ? { 'package.json': manifestText(name) } : {}),
    [config]: configText(name, scenario),
    [scenario]: text,
    [`load/${seedModule}`]: seedSource(seeds, { asOf: today(), migrations: inProject }),
  };
  if (isExample) {
    for (const [file, content] of Object.entries(exampleMigrations)) texts[`${inProject}/${file}`] = content;
  }
  return { config, scenario, texts, migrationsFolder: inProject };
}

async function writeFiles(
  folder: string,
  texts: Record<string, string>,
): Promise<{ written: string[]; kept: string[] }> {
  const [written, kept]: [string[], string[]] = [[], []];
  for (const [path, text] of Object.entries(texts)) {
    const file = join(folder, path);
    if (existsSync(file)) {
      kept.push(path);
      continue;
    }
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
    written.push(path);
  }
  return { written, kept };
}

function notesOn(tables: readonly CatalogueTable[], seeds: readonly TableSeed[]): string[] {
  const partitioned = tables.filter(({ isPartitioned }) => isPartitioned).map(({ name }) => name);
  return [
    ...partitioned.map(
      (name) => `${name} is partitioned, and only plain tables are seeded: choose a baseline before that`,
    ),
    ...seeds.flatMap(({ notes }) => notes),
  ];
}

/** Tries the first rows of each table against the schema, so that the first run does not have to. */
async function faultsOfSeed(connection: ConnectionTarget, scenarioFile: string): Promise<string[]> {
  try {
    const scenario = await importScenario(scenarioFile);
    await checkScenario(scenario, scenarioFile);
    const seed = bindSeed(scenario.workload.seed, { seed: 1, scale: 0.01 });
    await withClient(connection, (client) => inspectTables(client, seed));
    return [];
  } catch (error) {
    if (error instanceof PgrehearseError) return [messageOf(error)];
    throw error;
  }
}

function manifestText(name: string): string {
  const manifest = { name, private: true, type: 'module', devDependencies: { pgrehearse: `^${toolVersion}` } };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function configText(name: string, scenario: string): string {
  return `import { defineConfig } from 'pgrehearse';

export default defineConfig({
  scenarios: { ${/^[a-z]\w*$/.test(name) ? name : `'${name}'`}: './${scenario}' },
});
`;
}

/** As a path in a scenario is written: with `/`. */
function pathFrom(from: string, to: string): string {
  return (relative(from, to) || '.').split(sep).join('/');
}

function today(): string {
  return `${new Date().toISOString().slice(0, 10)}T00:00:00Z`;
}
