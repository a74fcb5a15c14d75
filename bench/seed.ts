/**
 * Seeding beside psql: the rows of webhooks.delivery_attempts, generated and loaded by pgrehearse, and loaded by `psql \copy` from
 * a ready text file, into the same table without indexes on the same server, taking turns.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withClient } from '../src/database.ts';
import { importScenario } from '../src/scenario-module.ts';
import { bindSeed, type BoundTable } from '../src/seed/bind.ts';
import { ByteWriter } from '../src/seed/byte-writer.ts';
import { copyTables } from '../src/seed/copy-pool.ts';
import { inspectTables, type TargetTable } from '../src/seed/inspect.ts';
import { ProgressTeller } from '../src/seed/progress.ts';
import { RowEncoder } from '../src/seed/row-encoder.ts';
import { dropStatements, readSchemaObjects } from '../src/seed/schema-objects.ts';
import { startEmbedded } from '../src/server/embedded.ts';
import { describeHost } from '../src/server/host.ts';
import { seedingSettings } from '../src/server/profiles.ts';
import type { ConnectionTarget } from '../src/server/server.ts';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { BenchResult } from './main.ts';

const root = join(import.meta.dirname, '..');
const scenarioFile = join(root, 'scenarios', 'webhooks.ts');
const tableName = 'delivery_attempts';
const execute = promisify(execFile);

/** Where rows are loaded, and what they are. */
interface Bench {
  connection: ConnectionTarget;
  table: BoundTable;
  target: TargetTable;
  choice: { seed: number; scale: number };
}

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const choice = { seed: 1, scale: quick ? 0.05 : 0.3 };
  await using folder = await temporaryFolder();
  await using server = await startEmbedded({
    dataDir: join(folder.path, 'data'),
    cacheDir: join(folder.path, 'cache'),
    settings: seedingSettings(describeHost()),
  });
  const bench = await prepare(server.connection(), choice);
  const psql = await findPsql();
  const file = join(folder.path, 'rows.txt');
  const ours = { rowsPerSecond: [] as number[], bytesPerSecond: [] as number[] };
  const theirs: number[] = [];
  for (let turn = 0; turn < (quick ? 1 : 3); turn++) {
    const [loaded] = await copyTables(
      { ...choice, scenarioFile, connection: bench.connection, workers: 1 },
      [bench.target],
      new ProgressTeller(new Map(), undefined),
    );
    ours.rowsPerSecond.push((loaded!.rows / loaded!.copyMs) * 1000);
    ours.bytesPerSecond.push((loaded!.copyBytes / loaded!.copyMs) * 1000);
    if (psql === undefined) continue;
    if (turn === 0) await psqlCopy(psql, bench, `to '${file}'`);
    theirs.push(await psqlRate(psql, bench, file));
  }
  return figuresOf(bench, ours, theirs, psql === undefined ? 0 : (await stat(file)).size);
}

async function prepare(connection: ConnectionTarget, choice: { seed: number; scale: number }): Promise<Bench> {
  const seed = bindSeed((await importScenario(scenarioFile)).workload.seed, choice);
  return withClient(connection, async (client) => {
    await client.query(await readFile(join(root, 'migrations', 'webhooks', '001_baseline.up.sql'), 'utf8'));
    const targets = await inspectTables(client, seed);
    const objects = await readSchemaObjects(
      client,
      targets.map(({ oid }) => oid),
    );
    await client.query(dropStatements(objects).join(';\n'));
    const target = targets.find(({ name }) => name === tableName)!;
    return { connection, choice, target, table: seed.get(tableName)! };
  });
}

/** Rows a second of `\copy` from the file into the emptied table. */
async function psqlRate(psql: string, bench: Bench, file: string): Promise<number> {
  await withClient(bench.connection, (client) => client.query(`TRUNCATE ${bench.target.sqlName}`));
  const startedMs = performance.now();
  await psqlCopy(psql, bench, `from '${file}'`);
  return (bench.table.rows / (performance.now() - startedMs)) * 1000;
}

async function psqlCopy(psql: string, { connection, target }: Bench, direction: string): Promise<void> {
  const { host, port, user, database } = connection;
  const at = ['--host', host, '--port', String(port), '--username', user, '--dbname', database];
  await execute(psql, [...at, '--no-psqlrc', '--command', `\\copy ${target.sqlName} ${direction}`]);
}

function figuresOf(
  bench: Bench,
  ours: { rowsPerSecond: number[]; bytesPerSecond: number[] },
  theirs: number[],
  fileBytes: number,
): BenchResult {
  const rowsPerSecond = Math.max(...ours.rowsPerSecond);
  const figures: Record<string, number> = {
    rows: bench.table.rows,
    columns: bench.target.columns.length,
    pgrehearseRowsPerSecond: Math.round(rowsPerSecond),
    pgrehearseMegabytesPerSecond: Math.round(Math.max(...ours.bytesPerSecond) / 1e6),
    generatorNsPerRow: Math.round(generatorNsPerRow(bench)),
  };
  if (theirs.length === 0) return { ratios: {}, figures };
  const psqlRowsPerSecond = Math.max(...theirs);
  figures['psqlRowsPerSecond'] = Math.round(psqlRowsPerSecond);
  figures['psqlMegabytesPerSecond'] = Math.round(((fileBytes / bench.table.rows) * psqlRowsPerSecond) / 1e6);
  return { ratios: { rowsPerSecondAgainstPsql: rowsPerSecond / psqlRowsPerSecond }, figures };
}

/** The generators and the encoder alone, on this thread: the best of three passes. */
function generatorNsPerRow({ table, target }: Bench): number {
  const encoder = new RowEncoder(table, target.columns);
  const bytes = new ByteWriter(512 * 1024);
  const pass = (): number => {
    const startedMs = performance.now();
    for (let row = 0; row < table.rows; row = encoder.encode(row, table.rows, 256 * 1024, bytes)) bytes.clear();
    return ((performance.now() - startedMs) * 1e6) / table.rows;
  };
  return Math.min(pass(), pass(), pass());
}

/** psql of the PATH, or of Debian's folders; says so when there is none. */
async function findPsql(): Promise<string | undefined> {
  const folders = await readdir('/usr/lib/postgresql').catch(() => [] as string[]);
  const candidates = ['psql', ...folders.toSorted().map((major) => `/usr/lib/postgresql/${major}/bin/psql`)];
  for (const candidate of candidates) {
    const version = await execute(candidate, ['--version']).catch(() => undefined);
    if (version !== undefined) return candidate;
  }
  console.error('psql was not found: skipping the comparison with \\copy.');
  return undefined;
}
