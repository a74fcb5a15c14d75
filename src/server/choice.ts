/** Which PostgreSQL the user chose, and the programs that stand behind the choice. */
import { UsageError } from '../errors.ts';
import { findBinaries, installedPackage, type Binaries } from './binaries.ts';
import { findInstalled, knownMajors } from './installed.ts';

/** A server whose programs we run ourselves. */
export type ServerChoice =
  /** `project` is a folder whose node_modules may have further majors; default: the current folder. */
  | { kind: 'embedded'; major?: number; project?: string }
  /** `folder` holds initdb and postgres; without it they are looked for. */
  | { kind: 'installed'; folder?: string; major?: number };

/**
 * Reads `--server` and `--pg`: `embedded`, `installed` or `installed:/path/to/bin`.
 * @throws UsageError
 */
export function serverChoice(text = 'embedded', major?: number): ServerChoice {
  if (major !== undefined && !knownMajors.includes(major)) {
    throw new UsageError(`There is no PostgreSQL ${major} to be had here.`, {
      hint: `Choose ${knownMajors.join(', ')}.`,
    });
  }
  const version = major === undefined ? {} : { major };
  if (text === 'embedded') return { kind: 'embedded', ...version };
  if (text === 'installed') return { kind: 'installed', ...version };
  const [, folder] = /^installed:(.+)$/.exec(text) ?? [];
  if (folder !== undefined) return { kind: 'installed', folder, ...version };
  throw new UsageError(`There is no server "${text}".`, {
    hint: 'Choose embedded, installed or installed:/path/to/bin.',
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
