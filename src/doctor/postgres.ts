/** Looks at what there is of PostgreSQL: from npm, installed, running somewhere else; and whether it starts here. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { withClient, withScratchDatabase } from '../database.ts';
import { formatMs } from '../report/format.ts';
import { findBinaries, installedPackage } from '../server/binaries.ts';
import { locateServer, serverChoice } from '../server/choice.ts';
import { knownMajors, listInstalled } from '../server/installed.ts';
import { findPgBouncer } from '../topology/plan.ts';
import { warning, type Look, type Outcome } from './finding.ts';

/** What measuring and seeding can make use of. */
const usefulExtensions = ['pg_stat_statements', 'pg_prewarm', 'pgstattuple', 'pg_buffercache'];

/** @param server as `--server` takes it, where one was named */
export function postgresLooks(cacheDir: string, server: string | undefined, signal: AbortSignal): Look[] {
  return [
    { what: 'PostgreSQL', examine: () => examineEmbedded(cacheDir) },
    { what: 'Installed', examine: examineInstalled },
    { what: 'Docker', examine: examineDocker },
    { what: 'PgBouncer', examine: examinePgBouncer },
    { what: 'Server start', examine: () => tryServer(cacheDir, signal) },
    ...(server === undefined ? [] : [{ what: 'Chosen server', examine: () => examineChosen(server, cacheDir) }]),
  ];
}

async function examineEmbedded(cacheDir: string): Promise<Outcome> {
  const { version } = await findBinaries(cacheDir);
  const others: string[] = [];
  for (const major of knownMajors.slice(0, -1)) {
    const there = await installedPackage(major).catch(() => undefined);
    if (there !== undefined) others.push(String(major));
  }
  const more = others.length === 0 ? '' : `; by --pg also ${others.join(', ')}`;
  return `${version} for ${process.platform}-${process.arch}${more}`;
}

async function examineInstalled(): Promise<Outcome> {
  const found = await listInstalled();
  return found.length === 0
    ? 'none, which is needed for --server installed only'
    : found.map(({ version }) => version).join(', ');
}

async function examineDocker(): Promise<Outcome> {
  try {
    const { stdout } = await promisify(execFile)('docker', ['version', '--format', '{{.Server.Version}}'], {
      timeout: 5000,
    });
    return `engine ${stdout.trim()}`;
  } catch {
    return 'no engine answers, which is needed for --server docker only';
  }
}

async function examinePgBouncer(): Promise<Outcome> {
  const found = await findPgBouncer();
  if (found === undefined) return 'none, which is needed for stages with topology.pooler only';
  return `${found.version}${found.keepsStatements ? '' : ', which keeps no named statements'}`;
}

async function tryServer(cacheDir: string, signal: AbortSignal): Promise<Outcome> {
  const startedAt = performance.now();
  return withScratchDatabase(cacheDir, signal, async (connection) => {
    const startMs = performance.now() - startedAt;
    const { version, missing } = await withClient(connection, async (client) => {
      const { rows } = await client.query<{ version: string; missing: string[] }>(
        `SELECT current_setting('server_version') AS version,
                ARRAY(SELECT name FROM unnest($1::text[]) name
                      EXCEPT SELECT name FROM pg_available_extensions) AS missing`,
        [usefulExtensions],
      );
      return rows[0]!;
    });
    const text = `PostgreSQL ${version} made, started and asked in ${formatMs(startMs)}`;
    if (missing.length === 0) return text;
    return warning(`${text}, without ${missing.join(', ')}`, 'Install the contrib package of this PostgreSQL.');
  });
}

async function examineChosen(server: string, cacheDir: string): Promise<Outcome> {
  const survey = { connections: 1, allowProduction: true };
  const { server: found, postgres, notes } = await locateServer(serverChoice(server), cacheDir, survey);
  const text = `${found.kind}, PostgreSQL ${postgres.version}`;
  return notes.length === 0 ? text : warning(text, notes.join(' '));
}
