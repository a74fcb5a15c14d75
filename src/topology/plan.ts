/** What stands beside and before the server of a stage, as far as it can be checked before anything starts. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EnvironmentError, UsageError } from '../errors.ts';
import type { PoolerSpec, ReplicaSpec, StageSpec } from '../scenario.ts';
import { isInCache, type FoundServer } from '../server/choice.ts';
import type { ResolvedProfile } from '../server/profiles.ts';

/** The PgBouncer of this machine. */
export interface PgBouncer {
  /** As in "1.18.0". */
  version: string;
  /** It follows named statements from one connection of the server to another: since 1.21 (its change log). */
  keepsStatements: boolean;
}

export interface PlannedTopology {
  replica?: ReplicaSpec;
  pooler?: PoolerSpec & PgBouncer;
}

/** Where packages put it, which need not be on the PATH of ordinary users. */
const otherFolders = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** The environment in which `pgbouncer` is found. */
export function pgBouncerPath(): { PATH: string } {
  return { PATH: [process.env['PATH'] ?? '', ...otherFolders].join(':') };
}

/** The PgBouncer on PATH; undefined where there is none. */
export async function findPgBouncer(): Promise<PgBouncer | undefined> {
  const run = promisify(execFile);
  const output = await run('pgbouncer', ['--version'], { env: pgBouncerPath() }).catch(() => undefined);
  return output && readVersion(output.stdout);
}

/** @param text of `pgbouncer --version` */
export function readVersion(text: string): PgBouncer | undefined {
  const [, version, major, minor] = /PgBouncer ((\d+)\.(\d+)\S*)/i.exec(text) ?? [];
  if (version === undefined) return undefined;
  return { version, keepsStatements: Number(major) > 1 || Number(minor) >= 21 };
}

/**
 * @param pgBouncer of this machine
 * @throws EnvironmentError where the server or the machine lacks what the stage asks for
 */
export function planTopology(
  { name, topology }: StageSpec,
  server: FoundServer,
  pgBouncer: PgBouncer | undefined,
): PlannedTopology | undefined {
  if (topology === undefined) return undefined;
  const { replica, pooler } = topology;
  if (replica !== undefined && !isInCache(server)) {
    throw new EnvironmentError(
      `The stage ${name} has a replica, for which pgrehearse must start the server itself from its data folder; it cannot for --server ${server.kind}.`,
      { hint: 'Choose --server embedded or --server installed, or leave topology.replica out of the stage.' },
    );
  }
  if (pooler === undefined) return replica === undefined ? undefined : { replica };
  if (pgBouncer === undefined) {
    throw new EnvironmentError(`The stage ${name} has PgBouncer in front, and no program pgbouncer was found.`, {
      hint: 'Install it (package pgbouncer), or leave topology.pooler out of the stage.',
    });
  }
  return { ...(replica && { replica }), pooler: { ...pooler, ...pgBouncer } };
}

/** Whether statements may have names behind this pooler. */
export function mayPrepare({ pooler }: PlannedTopology): boolean {
  return pooler === undefined || (pooler.keepsStatements && pooler.maxPreparedStatements !== 0);
}

/**
 * @param profile with the settings of the stage
 * @throws UsageError where they keep replicas away
 */
export function assertReplicates({ name, topology }: StageSpec, { settings }: Pick<ResolvedProfile, 'settings'>): void {
  if (topology?.replica === undefined) return;
  const valueOf = (setting: string): string | undefined => settings.find((known) => known.name === setting)?.value;
  const obstacles = [
    ...(valueOf('wal_level') === 'minimal' ? ['wal_level = minimal'] : []),
    ...['max_wal_senders', 'max_replication_slots']
      .filter((limit) => valueOf(limit) === '0')
      .map((limit) => `${limit} = 0`),
  ];
  if (obstacles.length === 0) return;
  throw new UsageError(
    `The stage ${name} has a replica, and ${obstacles.join(' and ')}, with which there can be none.`,
    {
      hint: 'Leave these settings out of the stage and its profile.',
    },
  );
}
