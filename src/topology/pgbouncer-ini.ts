/** The configuration of PgBouncer before the servers of a stage. Names are those of PgBouncer's manual (config.md). */
import { join } from 'node:path';
import type { PoolerSpec } from '../scenario.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { PgBouncer } from './plan.ts';

export interface PoolerConfiguration {
  spec: PoolerSpec & PgBouncer;
  /** Of its socket and of what it reads. */
  folder: string;
  /** Servers by the name that the pooler has for them. */
  databases: Readonly<Record<string, ConnectionTarget>>;
  statementTimeoutMs: number;
  /** Most connections of clients. */
  clients: number;
}

/** PgBouncer's own default. */
export const defaultPoolSize = 20;
/** PgBouncer's own default since 1.24; before it is 0, which forbids them. */
const defaultPreparedStatements = 200;

/** It names its socket; nothing listens on it. */
export const poolerPort = 6432;
/** Where it finds the configuration and the client's key: files that we leave open for it, and that have no names, as they have secrets. */
export const configurationPath = '/dev/fd/3';
const clientKeyPath = '/dev/fd/4';

/** The text of pgbouncer.ini, which has the password where the server asks for one. */
export function pgBouncerIni({ spec, folder, databases, statementTimeoutMs, clients }: PoolerConfiguration): string {
  const { poolSize = defaultPoolSize, queryWaitTimeoutMs, serverIdleTimeoutMs, maxPreparedStatements } = spec;
  const settings = {
    unix_socket_dir: folder,
    unix_socket_mode: '0700',
    listen_port: poolerPort,
    // Whoever can enter the folder may connect: the server's user and root, as with a server of ours.
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: poolSize,
    max_client_conn: clients,
    // It refuses parameters that it does not know; the timeout is set when it connects to the server.
    ignore_startup_parameters: 'statement_timeout,extra_float_digits',
    ...(queryWaitTimeoutMs === undefined ? {} : { query_wait_timeout: queryWaitTimeoutMs / 1000 }),
    ...(serverIdleTimeoutMs === undefined ? {} : { server_idle_timeout: serverIdleTimeoutMs / 1000 }),
    ...(spec.keepsStatements ? { max_prepared_statements: maxPreparedStatements ?? defaultPreparedStatements } : {}),
    ...tlsSettings(tlsOf(databases), folder),
    log_connections: 0,
    log_disconnections: 0,
  };
  return [
    '[databases]',
    ...Object.entries(databases).map(([name, target]) => `${name} = ${connectString(target, statementTimeoutMs)}`),
    '[pgbouncer]',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n');
}

/** Files of certificates, by their paths. */
export function certificateFiles(
  { databases, folder }: Pick<PoolerConfiguration, 'databases' | 'folder'>,
  trusted: readonly string[],
): Record<string, string> {
  const tls = tlsOf(databases);
  if (!tls) return {};
  return {
    ...(tls.rejectUnauthorized ? { [rootsPath(folder)]: tls.ca ?? trusted.join('\n') } : {}),
    ...(tls.cert === undefined ? {} : { [clientCertificatePath(folder)]: tls.cert }),
  };
}

/** Both servers of a stage are reached alike. */
export function tlsOf(databases: PoolerConfiguration['databases']): ConnectionTarget['ssl'] {
  return Object.values(databases)[0]?.ssl;
}

/** As strict as our own connections are (TlsOptions). */
function tlsSettings(tls: ConnectionTarget['ssl'], folder: string): Record<string, string> {
  if (!tls) return { server_tls_sslmode: 'disable' };
  return {
    server_tls_sslmode: tls.rejectUnauthorized ? 'verify-full' : 'require',
    ...(tls.rejectUnauthorized ? { server_tls_ca_file: rootsPath(folder) } : {}),
    ...(tls.cert === undefined ? {} : { server_tls_cert_file: clientCertificatePath(folder) }),
    ...(tls.key === undefined ? {} : { server_tls_key_file: clientKeyPath }),
  };
}

const rootsPath = (folder: string): string => join(folder, 'root.crt');
const clientCertificatePath = (folder: string): string => join(folder, 'client.crt');

function connectString({ host, port, user, password, database }: ConnectionTarget, statementTimeoutMs: number): string {
  const values = {
    host,
    port,
    user,
    ...(password === undefined ? {} : { password }),
    dbname: database,
    connect_query: `SET statement_timeout = ${statementTimeoutMs}`,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}='${String(value).replaceAll("'", "''")}'`)
    .join(' ');
}
