/** The user's own migration tool in place of our runner: any command, told by its environment where the database is. */
import { execa } from 'execa';
import { EnvironmentError } from '../errors.ts';
import type { ConnectionTarget } from '../server/server.ts';

/** So much of its output is kept for the report when it fails. */
const keptCharacters = 2000;

/**
 * Runs a shell command in the folder. It finds the database by libpq's variables (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE),
 * or by DATABASE_URL, over loopback; DATABASE_URL's password is not kept anywhere.
 *
 * @throws EnvironmentError with the end of its output when it fails; the signal's reason after an abort
 */
export async function runMigrationCommand(
  command: string,
  { target, folder, signal }: { target: ConnectionTarget; folder: string; signal: AbortSignal },
): Promise<void> {
  const { host, port, user, database, password = '' } = target;
  const { failed, exitCode, all } = await execa(command, {
    shell: true,
    cwd: folder,
    all: true,
    reject: false,
    cancelSignal: signal,
    stdin: 'ignore',
    env: {
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGPASSWORD: password,
      PGDATABASE: database,
      DATABASE_URL: `postgresql://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
    },
  });
  signal.throwIfAborted();
  if (!failed) return;
  const output = withoutPassword(all ?? '', password)
    .slice(-keptCharacters)
    .trim();
  throw new EnvironmentError(`The command "${command}" ended with code ${exitCode ?? 'unknown'}.\n${output}`, {
    hint: 'Its output says why; it ran against a clone, nothing else was touched.',
  });
}

function withoutPassword(text: string, password: string): string {
  return password === '' ? text : text.replaceAll(password, '***').replaceAll(encodeURIComponent(password), '***');
}
