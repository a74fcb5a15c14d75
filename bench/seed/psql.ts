/** psql, the other side of the comparison. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ConnectionTarget } from '../../src/server/server.ts';

const execute = promisify(execFile);

/** Runs one psql command to its end. */
export type Psql = (connection: ConnectionTarget, command: string) => Promise<void>;

/** psql of the PATH or beside pg_config; says so when there is none. */
export async function findPsql(): Promise<Psql | undefined> {
  const folder = await execute('pg_config', ['--bindir']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  for (const program of ['psql', ...(folder === undefined ? [] : [join(folder, 'psql')])]) {
    const version = await execute(program, ['--version']).catch(() => undefined);
    if (version !== undefined) return (connection, command) => runPsql(program, connection, command);
  }
  console.error('psql is neither on the PATH nor beside pg_config: skipping the comparison.');
  return undefined;
}

async function runPsql(program: string, connection: ConnectionTarget, command: string): Promise<void> {
  const { host, port, user, database, password } = connection;
  const at = ['--host', host, '--port', String(port), '--username', user, '--dbname', database];
  const env = { ...process.env, ...(password !== undefined && { PGPASSWORD: password }) };
  await execute(program, [...at, '--no-psqlrc', '--set=ON_ERROR_STOP=1', '--command', command], { env });
}
