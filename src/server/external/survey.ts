/** What a server that is not ours allows, found out before anything is written to it. */
import { EnvironmentError, messageOf, UsageError } from '../../errors.ts';
import { knownMajors } from '../installed.ts';
import { listMarks } from '../mark.ts';
import type { ConnectionTarget } from '../server.ts';
import type { ExternalTarget } from './connection.ts';
import { Control, reapDatabases } from './control.ts';

/** Connections for observers, migrations and people beside the load. */
const spareConnections = 10;

export interface SurveyOptions {
  /** Connections of the load. */
  connections: number;
  /** The user said that a server that looks like production may be used. */
  allowProduction: boolean;
}

export interface Survey {
  target: ConnectionTarget;
  version: string;
  major: number;
  /** What is missing, and what was cleaned up, in sentences. */
  notes: string[];
}

/**
 * Connects, finds out what this server and this role allow, drops what earlier runs had left.
 * @throws EnvironmentError with everything that is missing; UsageError when it looks like production and nobody allowed that
 */
export async function surveyServer(external: ExternalTarget, options: SurveyOptions): Promise<Survey> {
  const { target, control } = await connect(external);
  await using _ = control;
  const facts = await readFacts(control);
  const faults = faultsOf(facts, options.connections);
  if (faults.length > 0) throw new EnvironmentError(faults.join(' '), { hint: 'Choose another server or role.' });
  const signs = signsOfProduction(facts, target.host);
  if (signs.length > 0 && !options.allowProduction) {
    throw new UsageError(`The server at ${target.host} looks like production: ${signs.join('; ')}.`, {
      hint: 'Rehearse on another server. If a rehearsal may take all of its power, add --allow-production.',
    });
  }
  const notes = [...(await reapDatabases(control)), ...gapsOf(facts)];
  return { target, version: facts.version, major: facts.major, notes };
}

/**
 * The way to reach a server that it accepts.
 * @throws EnvironmentError
 */
export async function reachServer(external: ExternalTarget): Promise<ConnectionTarget> {
  const { target, control } = await connect(external);
  await control[Symbol.asyncDispose]();
  return target;
}

/** `sslmode` allow and prefer try a second way when the server does not like the first. */
async function connect({
  target,
  alternative,
}: ExternalTarget): Promise<{ target: ConnectionTarget; control: Control }> {
  try {
    return { target, control: await Control.open(target) };
  } catch (error) {
    if (alternative !== undefined && dislikesEncryption(error)) return connect({ target: alternative });
    throw new EnvironmentError(
      `The server at ${target.host}:${target.port} cannot be used as ${target.user}: ${messageOf(error)}.`,
      { hint: 'Check host, port, user, password (.pgpass, PGPASSWORD), sslmode and pg_hba.conf.' },
    );
  }
}

function dislikesEncryption(error: unknown): boolean {
  const { code } = error as { code?: string };
  // 28000: pg_hba.conf refuses what is (not) encrypted.
  return code === '28000' || /does not support SSL/.test(messageOf(error));
}

interface Facts {
  version: string;
  major: number;
  recovering: boolean;
  createDb: boolean;
  freeConnections: number;
  statementsLoaded: boolean;
  superuser: boolean;
  checkpoint: boolean;
  replicas: number;
  clusterName: string;
  databases: string[];
  /** Sessions of others in databases that are not ours. */
  sessions: { database: string; count: number }[];
}

async function readFacts(control: Control): Promise<Facts> {
  const client = await control.client();
  const { rows } = await client.query<Omit<Facts, 'databases' | 'sessions'>>(`
    SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
           current_setting('server_version_num')::int / 10000 AS major,
           pg_is_in_recovery() AS recovering,
           rolcreatedb OR rolsuper AS "createDb",
           rolsuper AS superuser,
           least(current_setting('max_connections')::int
                   - CASE WHEN rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int END
                   - (SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL),
                 CASE WHEN rolconnlimit < 0 THEN 1000000 ELSE rolconnlimit END)::int AS "freeConnections",
           EXISTS (SELECT FROM pg_settings
                    WHERE name = 'pg_stat_statements.max') AS "statementsLoaded",
           rolsuper OR pg_has_role('pg_checkpoint', 'USAGE') AS checkpoint,
           (SELECT count(*) FROM pg_stat_replication)::int AS replicas,
           coalesce(current_setting('cluster_name', true), '') AS "clusterName"
      FROM pg_roles WHERE rolname = current_user`);
  const ours = await listMarks(client);
  const { rows: databases } = await client.query<{ name: string; count: number }>(`
    SELECT datname AS name, count(pid)::int AS count
      FROM pg_database LEFT JOIN (SELECT datid, pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()) s ON datid = oid
     WHERE NOT datistemplate GROUP BY datname ORDER BY datname`);
  const others = databases.filter(({ name }) => !ours.has(name));
  return {
    ...rows[0]!,
    databases: others.map(({ name }) => name),
    sessions: others.filter(({ count }) => count > 0).map(({ name, count }) => ({ database: name, count })),
  };
}

function faultsOf(facts: Facts, connections: number): string[] {
  const { major, version, recovering, createDb, freeConnections } = facts;
  const needed = connections + spareConnections;
  return [
    ...(knownMajors.includes(major) ? [] : [`The server is PostgreSQL ${version}; pgrehearse knows 15 to 18.`]),
    ...(recovering ? ['The server is a replica, on which nothing can be written.'] : []),
    ...(createDb ? [] : ['The role may not create databases: ALTER ROLE ... CREATEDB.']),
    ...(freeConnections >= needed
      ? []
      : [`The server has ${freeConnections} connections left, but ${needed} are needed: lower --connections.`]),
  ];
}

const productionName = /(^|[^a-z])(prod|production|live|primary|master)([^a-z]|$)/i;

function signsOfProduction({ replicas, clusterName, databases, sessions }: Facts, host: string): string[] {
  const names = [host, clusterName, ...databases].filter((name) => productionName.test(name));
  return [
    ...(sessions.length > 0
      ? [`others are connected to ${sessions.map(({ database, count }) => `${database} (${count})`).join(', ')}`]
      : []),
    ...(replicas > 0 ? [`${replicas} ${replicas === 1 ? 'replica is' : 'replicas are'} attached`] : []),
    ...(names.length > 0 ? [`by the name of ${names.join(', ')}`] : []),
  ];
}

function gapsOf({ statementsLoaded, superuser, checkpoint }: Facts): string[] {
  return [
    ...(statementsLoaded
      ? []
      : ['pg_stat_statements is not loaded on this server: the work of statements is not measured.']),
    ...(statementsLoaded && !superuser
      ? ['pg_stat_statements can be set up by some roles only: without it the work of statements is not measured.']
      : []),
    ...(checkpoint
      ? []
      : ['The role may not checkpoint (pg_checkpoint): what the seeding left may still be written during a block.']),
  ];
}
