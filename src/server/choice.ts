/** Which PostgreSQL the user chose, and the programs that stand behind the choice. */
import { UsageError } from '../errors.ts';
import { findBinaries, installedPackage, type Binaries } from './binaries.ts';
import { externalTarget, withoutPasswords } from './external/connection.ts';
import { surveyServer, type SurveyOptions } from './external/survey.ts';
import { findInstalled, knownMajors } from './installed.ts';
import type { ConnectionTarget } from './server.ts';

/** A server whose programs we run ourselves. */
export type ServerChoice =
  /** `project` is a folder whose node_modules may have further majors; default: the current folder. */
  | { kind: 'embedded'; major?: number; project?: string }
  /** `folder` holds initdb and postgres; without it they are looked for. */
  | { kind: 'installed'; folder?: string; major?: number };

/** A server that somebody else runs. */
export interface ExternalChoice {
  kind: 'external';
  /** `postgres://...`, perhaps with a password: never to be printed or stored. */
  url: string;
}

/** A server that was found, and what the run needs to reach it. */
export type FoundServer = ServerChoice | { kind: 'external'; target: ConnectionTarget };

/**
 * Reads `--server` and `--pg`: `embedded`, `installed`, `installed:/path/to/bin` or a `postgres://` URL.
 * @throws UsageError
 */
export function serverChoice(text = 'embedded', major?: number): ServerChoice | ExternalChoice {
  if (major !== undefined && !knownMajors.includes(major)) {
    throw new UsageError(`There is no PostgreSQL ${major} to be had here.`, {
      hint: `Choose ${knownMajors.join(', ')}.`,
    });
  }
  const version = major === undefined ? {} : { major };
  if (text === 'embedded') return { kind: 'embedded', ...version };
  if (text === 'installed') return { kind: 'installed', ...version };
  if (/^postgres(ql)?:\/\//.test(text)) return { kind: 'external', url: text };
  const [, folder] = /^installed:(.+)$/.exec(text) ?? [];
  if (folder !== undefined) return { kind: 'installed', folder, ...version };
  throw new UsageError(`There is no server "${withoutPasswords(text)}".`, {
    hint: 'Choose embedded, installed, installed:/path/to/bin or postgres://user@host/database.',
  });
}

/**
 * The programs of the chosen server.
 * @throws EnvironmentError when they are not here or do not run
 */
export async function findPrograms(choice: ServerChoice, cacheDir: string): Promise<Binaries> {
  if (choice.kind === 'installed') return findInstalled(choice);
  return findBinaries(cacheDir, installedPackage(choice.major, choice.project));
}

/** A server as a run needs to know it. */
export interface LocatedServer {
  server: FoundServer;
  postgres: { version: string; major: number };
  /** What is missing there, and what was cleaned up, in sentences. */
  notes: string[];
}

/**
 * Finds the chosen server; of one that is not ours, what it allows.
 * @throws EnvironmentError or UsageError with everything that is missing
 */
export async function locateServer(
  choice: ServerChoice | ExternalChoice,
  cacheDir: string,
  options: SurveyOptions,
): Promise<LocatedServer> {
  if (choice.kind !== 'external') {
    const { version, major } = await findPrograms(choice, cacheDir);
    return { server: choice, postgres: { version, major }, notes: [] };
  }
  const { target, version, major, notes } = await surveyServer(externalTarget(choice.url), options);
  return { server: { kind: 'external', target }, postgres: { version, major }, notes };
}
