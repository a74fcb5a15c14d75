/**
 * How to reach a server that is not ours, by the rules of libpq (PostgreSQL manual, "Database Connection Control Functions"):
 * the URL, then the service file, then PG* variables, then defaults; a password may also come from .pgpass.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError, messageOf, UsageError } from '../../errors.ts';
import type { ConnectionTarget, TlsOptions } from '../server.ts';
import { passwordFromFile } from './password-file.ts';

/** libpq's names of what we understand, and the variables that stand in for them. */
const variables = {
  host: 'PGHOST',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  service: 'PGSERVICE',
} as const;

type Parameters = Partial<Record<keyof typeof variables, string>>;

/** What libpq knows and changes nothing for us. */
const ignored = new Set(['application_name', 'connect_timeout', 'fallback_application_name', 'client_encoding']);

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof sslModes)[number];

/** A target, and what to try where TLS is as the server likes it (`sslmode` allow or prefer). */
export interface ExternalTarget {
  target: ConnectionTarget;
  alternative?: ConnectionTarget;
}

/**
 * Reads a `postgres://` URL with service file and environment.
 * @throws UsageError for what cannot be understood, EnvironmentError for files that cannot be read; never with a password
 */
export function externalTarget(url: string, env: NodeJS.ProcessEnv = process.env): ExternalTarget {
  const given = readUrl(url);
  const fromEnv = Object.fromEntries(
    Object.entries(variables).flatMap(([name, variable]) => (env[variable] ? [[name, env[variable]]] : [])),
  ) as Parameters;
  const service = given.service ?? fromEnv.service;
  const known = { ...fromEnv, ...(service === undefined ? {} : readService(service, env)), ...given };
  const user = known.user ?? userInfo().username;
  const target = {
    host: known.host ?? 'localhost',
    port: readPort(known.port ?? '5432'),
    user,
    database: known.dbname ?? user,
  };
  const password = known.password ?? passwordFromFile(target, env, home(env));
  return withTls({ ...target, ...(password === undefined ? {} : { password }) }, known);
}

/** A URL, or any text with one, without passwords. */
export function withoutPasswords(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s:@/?]*):[^\s]*@/gi, '$1:***@')
    .replaceAll(/([?&](?:password|sslpassword)=)[^\s&]*/gi, '$1***');
}

/** URLs of libpq may have a user or a port without a host; those of the web may not. */
const noHost = 'none.invalid';

function readUrl(text: string): Parameters {
  let url: URL;
  try {
    url = new URL(text.replace(/^(\w+:\/\/(?:[^/?]*@)?)(?=[:/?]|$)/, `$1${noHost}`));
  } catch {
    // Not the cause: it has the URL, and the URL the password.
    throw new UsageError('The URL of the server cannot be read.', {
      hint: 'Write postgres://user@host:port/database; percent-encode special characters, and name one host only.',
    });
  }
  const found: Parameters = {};
  const put = (name: keyof Parameters, value: string): void => {
    if (value !== '') found[name] = value;
  };
  if (url.hostname !== noHost) put('host', decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'));
  put('port', url.port);
  put('user', decodeURIComponent(url.username));
  put('password', decodeURIComponent(url.password));
  put('dbname', decodeURIComponent(url.pathname.slice(1)));
  for (const [name, value] of url.searchParams) {
    if (Object.hasOwn(variables, name)) put(name as keyof Parameters, value);
    else if (!ignored.has(name)) {
      throw new UsageError(`The URL of the server has the parameter ${name}, which is not understood.`, {
        hint: `Leave it out; known are ${Object.keys(variables).join(', ')}.`,
      });
    }
  }
  if (found.host?.includes(','))
    throw new UsageError('The URL of the server names several hosts.', { hint: 'Name one.' });
  return found;
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new UsageError(`The port of the server is "${text}".`, { hint: 'Give a number from 1 to 65535.' });
}

/** Section of a service file: PGSERVICEFILE, ~/.pg_service.conf, then pg_service.conf in PGSYSCONFDIR. */
function readService(name: string, env: NodeJS.ProcessEnv): Parameters {
  const own = env['PGSERVICEFILE'] || join(home(env), '.pg_service.conf');
  const files = [own, ...(env['PGSYSCONFDIR'] ? [join(env['PGSYSCONFDIR'], 'pg_service.conf')] : [])];
  for (const file of files.filter((file) => existsSync(file))) {
    const lines = readText(file, 'service file')
      .split('\n')
      .map((line) => line.trim());
    const start = lines.indexOf(`[${name}]`);
    if (start < 0) continue;
    const rest = lines.slice(start + 1);
    const end = rest.findIndex((line) => line.startsWith('['));
    const pairs = rest.slice(0, end < 0 ? undefined : end).filter((line) => line !== '' && !line.startsWith('#'));
    const entries = pairs.map((line) => [
      line.slice(0, line.indexOf('=')).trim(),
      line.slice(line.indexOf('=') + 1).trim(),
    ]);
    return Object.fromEntries(entries.filter(([key]) => Object.hasOwn(variables, key!))) as Parameters;
  }
  throw new UsageError(`There is no service "${name}" in ${files.join(' or ')}.`, {
    hint: 'Correct service= or PGSERVICE, or name the file with PGSERVICEFILE.',
  });
}

function home(env: NodeJS.ProcessEnv): string {
  return env['HOME'] || homedir();
}

/**
 * TLS as `sslmode` says. Where libpq would check the certificate's authority alone (verify-ca, and require with a root
 * certificate), the name is checked too: the stricter reading.
 */
function withTls(target: ConnectionTarget, known: Parameters): ExternalTarget {
  const mode = (known.sslmode ?? 'prefer') as SslMode;
  if (!sslModes.includes(mode)) {
    throw new UsageError(`sslmode is "${mode}".`, { hint: `Choose one of ${sslModes.join(', ')}.` });
  }
  const plain: ConnectionTarget = { ...target, ssl: false };
  // libpq never encrypts Unix sockets.
  if (mode === 'disable' || target.host.startsWith('/')) return { target: plain };
  const encrypted: ConnectionTarget = { ...target, ssl: tlsOptions(mode, known) };
  if (mode === 'prefer') return { target: encrypted, alternative: plain };
  return mode === 'allow' ? { target: plain, alternative: encrypted } : { target: encrypted };
}

function tlsOptions(mode: SslMode, { sslrootcert, sslcert, sslkey }: Parameters): TlsOptions {
  const verify = mode.startsWith('verify') || (mode === 'require' && sslrootcert !== undefined);
  const file = join(home(process.env), '.postgresql', 'root.crt');
  const root = sslrootcert ?? (verify && existsSync(file) ? file : undefined);
  return {
    rejectUnauthorized: verify,
    // "system" is libpq's word for the authorities that the machine trusts; Node has its own list of them.
    ...(root === undefined || root === 'system' || !verify ? {} : { ca: readText(root, 'root certificate') }),
    ...(sslcert === undefined ? {} : { cert: readText(sslcert, 'client certificate') }),
    ...(sslkey === undefined ? {} : { key: readText(sslkey, 'client key') }),
  };
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new EnvironmentError(`The ${what} ${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}
