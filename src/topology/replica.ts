/** A streaming replica of a server of ours, on the same machine. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../database.ts';
import { EnvironmentError } from '../errors.ts';
import type { ReplicaSpec, Settings } from '../scenario.ts';
import { writeForServer } from '../server/initdb.ts';
import type { ConnectionTarget, Server } from '../server/server.ts';
import { serverUser } from '../server/server-user.ts';
import { copyTree } from '../snapshot/copy.ts';

/** Keeps the WAL that the replica still needs, however far it is behind. */
const slot = 'pgrehearse_replica';
const streamingWithinMs = 30_000;

/** Starts a server of the run on a data folder. */
export type StartOn = (dataDir: string, settings: Settings) => Promise<Server>;

/**
 * Makes the data folder of a replica from that of its primary, at which no server is running before and after. The primary is started and
 * shut down once: snapshots are filled with wal_level = minimal, and from such a control file no replica starts (CheckRequiredParameterValues
 * in src/backend/access/transam/xlogrecovery.c). The copy of a server that was shut down is a consistent one.
 */
export async function copyForReplica(
  { primary, replica, settings }: { primary: string; replica: string; settings: Settings },
  start: StartOn,
  signal?: AbortSignal,
): Promise<void> {
  {
    await using server = await start(primary, settings);
    await server.shutDown();
  }
  const owner = serverUser();
  await copyTree(primary, replica, { ...(owner && { owner }), ...(signal && { signal }), writeBack: true });
  // Without this file a server that was copied is a server by itself (PostgreSQL manual, 26.2.4).
  await writeForServer(join(replica, 'standby.signal'), '');
}

/**
 * Starts the replica and waits until it streams from its primary.
 *
 * @param settings of the primary: a replica must not have less of what they limit
 * @throws EnvironmentError when it does not start or does not stream
 */
export async function startReplica(
  { dataDir, settings, spec, primary }: { dataDir: string; settings: Settings; spec: ReplicaSpec; primary: Server },
  start: StartOn,
  signal?: AbortSignal,
): Promise<Server> {
  const target = primary.connection();
  await withClient(target, (client) => client.query('SELECT pg_create_physical_replication_slot($1, true)', [slot]));
  const replica = await start(dataDir, {
    ...settings,
    ...spec.settings,
    hot_standby: true,
    primary_slot_name: slot,
    primary_conninfo: conninfo(target),
  });
  try {
    await untilStreaming(target, signal);
    return replica;
  } catch (error) {
    await replica.stop();
    throw error;
  }
}

function conninfo({ host, port, user, password }: ConnectionTarget): string {
  const values = { host, port, user, ...(password === undefined ? {} : { password }), application_name: slot };
  return Object.entries(values)
    .map(([name, value]) => `${name}='${String(value).replaceAll(/[\\']/g, '\\$&')}'`)
    .join(' ');
}

async function untilStreaming(primary: ConnectionTarget, signal?: AbortSignal): Promise<void> {
  await withClient(primary, async (client) => {
    const deadline = performance.now() + streamingWithinMs;
    while (performance.now() < deadline) {
      signal?.throwIfAborted();
      const { rowCount } = await client.query(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`);
      if (rowCount === 1) return;
      await sleep(20);
    }
    throw new EnvironmentError(`The replica did not stream from its primary within ${streamingWithinMs / 1000} s.`, {
      hint: 'Its settings may forbid it: wal_level must be replica, and max_wal_senders and max_replication_slots above 0.',
    });
  });
}
