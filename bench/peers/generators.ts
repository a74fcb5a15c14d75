/** What benchmarks beside other load generators have in common: a server with the table that they read, and their time of the processor. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { startEmbedded } from '../../src/server/embedded.ts';
import type { ConnectionTarget } from '../../src/server/server.ts';

export const connections = 16;
/** pgbench's select-only script as a scenario of ours. */
export const pointReads = {
  scenarioFile: fileURLToPath(new URL('../scenarios/point-read.ts', import.meta.url)),
  stage: 'only',
  seed: 1,
  scale: 1,
  slo: { percentile: 95, limitMs: 50 },
} as const;
/** The load of all that drive it, but for the rate and the time. */
export const pointReadLoad = { arrivals: 'poisson', connections, statementTimeoutMs: 5000 } as const;
const accounts = 100_000;

/** Lets `work` have a server with the table, and a folder; both are gone afterwards. */
export async function withAccounts<T>(work: (target: ConnectionTarget, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pgrehearse-bench-'));
  // The server may run as another user, who has to enter.
  await chmod(folder, 0o755);
  try {
    await using server = await startEmbedded({
      dataDir: join(folder, 'data'),
      cacheDir: join(folder, 'cache'),
      settings: { shared_buffers: '128MB', autovacuum: false },
      scratch: true,
    });
    const target = server.connection();
    await createAccounts(target);
    return await work(target, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The part of pgbench's tables that its select-only script reads. */
async function createAccounts(target: ConnectionTarget): Promise<void> {
  const client = new Client(target);
  await client.connect();
  await client.query('CREATE TABLE pgbench_branches (bid int PRIMARY KEY)');
  await client.query('INSERT INTO pgbench_branches VALUES (1)');
  await client.query('CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))');
  await client.query(`INSERT INTO pgbench_accounts SELECT aid, 1, 0, '' FROM generate_series(1, ${accounts}) AS aid`);
  await client.query('VACUUM ANALYZE');
  await client.end();
}

export interface PeerRun {
  /** What it printed, to stdout and stderr. */
  output: string;
  /** User and system time of its process. */
  cpuSeconds: number;
}

/**
 * Runs another generator against the server. Debian and others keep these programs out of PATH or at a version of their own; any
 * speaks to any server. Undefined, with a printed reason, where it is not there.
 */
export async function runPeer(command: readonly string[], target: ConnectionTarget): Promise<PeerRun | undefined> {
  const { host, port, user, password, database } = target;
  const environment = {
    PGHOST: host,
    PGPORT: `${port}`,
    PGUSER: user,
    PGPASSWORD: password ?? '',
    PGDATABASE: database,
  };
  try {
    // `times` of the shell tells the time of the processor of its children.
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', '"$@" >&2 && times', 'bash', ...command], {
      env: { ...process.env, ...environment },
      maxBuffer: 64 * 2 ** 20,
    });
    return { output: stderr, cpuSeconds: childSeconds(stdout) };
  } catch (error) {
    console.error(`Skipping ${command[0]}: ${(error as Error).message.trim().split('\n').at(-1)}`);
    return undefined;
  }
}

/** The second line of `times`: user and system time of the children, as 0m1.234s. */
function childSeconds(times: string): number {
  const parts = times
    .trim()
    .split('\n')[1]!
    .matchAll(/(\d+)m([\d.]+)s/g);
  return [...parts].reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
