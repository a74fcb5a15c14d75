/** Which PostgreSQL the user chose, and the programs that stand behind the choice. */
import { EnvironmentError, UsageError } from '../errors.ts';
import type { Host } from '../result.ts';
import { findBinaries, installedPackage, type Binaries } from './binaries.ts';
import { findImage, type DockerImage, type DockerLimits } from './docker/image.ts';
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

/** A server in a container of a Docker engine. */
export interface DockerChoice {
  kind: 'docker';
  image: string;
  major?: number;
  limits: DockerLimits;
}

/** A server that was found, and what the run needs to reach it. */
export type FoundServer =
  | ServerChoice
  | { kind: 'docker'; image: DockerImage; limits: DockerLimits }
  | { kind: 'external'; target: ConnectionTarget };

/** Whether its data lies in the cache: where else it lies, how much room there is cannot be asked. */
export function isInCache(server: FoundServer): server is ServerChoice {
  return server.kind === 'embedded' || server.kind === 'installed';
}

const newestMajor = knownMajors.at(-1)!;

/**
 * Reads `--server`, `--pg` and what limits a container: `embedded`, `installed`, `installed:/path/to/bin`, `docker`,
 * `docker:image` or a `postgres://` URL.
 * @throws UsageError
 */
export function serverChoice(
  text = 'embedded',
  major?: number,
  limits: DockerLimits = {},
): ServerChoice | DockerChoice | ExternalChoice {
  if (major !== undefined && !knownMajors.includes(major)) {
    throw new UsageError(`There is no PostgreSQL ${major} to be had here.`, {
      hint: `Choose ${knownMajors.join(', ')}.`,
    });
  }
  const version = major === undefined ? {} : { major };
  if (text === 'docker') return { kind: 'docker', image: `postgres:${major ?? newestMajor}`, ...version, limits };
  const [, image] = /^docker:(.+)$/.exec(text) ?? [];
  if (image !== undefined) return { kind: 'docker', image, ...version, limits };
  if (Object.keys(limits).length > 0) {
    throw new UsageError('Only a container has limits, and this server is none.', {
      hint: 'Add --server docker, or leave out --docker-memory and --docker-cpus.',
    });
  }
  if (text === 'embedded') return { kind: 'embedded', ...version };
  if (text === 'installed') return { kind: 'installed', ...version };
  if (/^postgres(ql)?:\/\//.test(text)) return { kind: 'external', url: text };
  const [, folder] = /^installed:(.+)$/.exec(text) ?? [];
  if (folder !== undefined) return { kind: 'installed', folder, ...version };
  throw new UsageError(`There is no server "${withoutPasswords(text)}".`, {
    hint: 'Choose embedded, installed, installed:/path/to/bin, docker, docker:image or postgres://user@host/database.',
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
  /** What it may use, where that is not what this machine has. */
  resources?: Pick<Host, 'memoryBytes' | 'memoryLimitBytes' | 'cores'>;
  /** What is missing there, and what was cleaned up, in sentences. */
  notes: string[];
}

/**
 * Finds the chosen server; of one that is not ours, what it allows.
 * @throws EnvironmentError or UsageError with everything that is missing
 */
export async function locateServer(
  choice: ServerChoice | DockerChoice | ExternalChoice,
  cacheDir: string,
  options: SurveyOptions,
): Promise<LocatedServer> {
  if (choice.kind === 'docker') return locateImage(choice);
  if (choice.kind !== 'external') {
    const { version, major } = await findPrograms(choice, cacheDir);
    return { server: choice, postgres: { version, major }, notes: [] };
  }
  const { target, version, major, notes } = await surveyServer(externalTarget(choice.url), options);
  return { server: { kind: 'external', target }, postgres: { version, major }, notes };
}

async function locateImage({ image: name, major, limits }: DockerChoice): Promise<LocatedServer> {
  const { image, postgres, resources } = await findImage(name);
  if ((major ?? postgres.major) !== postgres.major || !knownMajors.includes(postgres.major)) {
    throw new EnvironmentError(
      `The image ${name} has PostgreSQL ${postgres.version}, not ${major ?? `${knownMajors[0]} to ${newestMajor}`}.`,
      { hint: 'Name another image: --server docker:image.' },
    );
  }
  const { memoryBytes = Infinity, cpus = Infinity } = limits;
  return {
    server: { kind: 'docker', image, limits },
    postgres,
    resources: {
      memoryBytes: resources.memoryBytes,
      memoryLimitBytes: Math.min(memoryBytes, resources.memoryBytes),
      cores: Math.min(Math.ceil(cpus), resources.cores),
    },
    notes: [],
  };
}
