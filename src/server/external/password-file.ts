/** Passwords from .pgpass (PostgreSQL manual, "The Password File"). */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a line has to match. */
export interface PasswordQuery {
  host: string;
  port: number;
  database: string;
  user: string;
}

/**
 * The password of the first line that matches. It is looked up here and not by the driver, because the databases that we make
 * have other names than the one that the user's line may be for.
 * @param home the user's home folder
 * @returns undefined when there is none, or when others may read the file, which libpq then leaves aside too
 */
export function passwordFromFile(query: PasswordQuery, env: NodeJS.ProcessEnv, home: string): string | undefined {
  const file = env['PGPASSFILE'] || join(home, ...(process.platform === 'win32' ? windowsPath : ['.pgpass']));
  let text: string;
  try {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) return undefined;
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const wanted = [
    query.host.startsWith('/') ? 'localhost' : query.host,
    String(query.port),
    query.database,
    query.user,
  ];
  for (const line of text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))) {
    const fields = fieldsOf(line);
    const matches = wanted.every((value, at) => fields[at] === '*' || fields[at] === value);
    if (matches && fields.length >= 5) return fields[4];
  }
  return undefined;
}

const windowsPath = ['AppData', 'Roaming', 'postgresql', 'pgpass.conf'];

/** Colons divide; a backslash takes the meaning from a colon or another backslash. */
function fieldsOf(line: string): string[] {
  const fields = line.match(/(?:\\.|[^:\\])+|(?<=:|^)(?=:|$)/g) ?? [];
  return fields.map((field) => field.replaceAll(/\\(.)/g, '$1'));
}
