/** The image whose PostgreSQL is rehearsed, and the engine that it is on. */
import { EnvironmentError, messageOf } from '../../errors.ts';
import { parseVersion } from '../binaries.ts';
import { docker, dockerFailure } from './engine.ts';

/** What a container may use; without a limit: all of the engine. */
export interface DockerLimits {
  memoryBytes?: number;
  /** Processors, also parts of one. */
  cpus?: number;
}

/** An image on an engine, plain data. */
export interface DockerImage {
  /** As the user names it. */
  name: string;
  /** What the name stands for now: "sha256:...". */
  id: string;
  /** Folder in the container where the volume with the data goes. */
  mountPath: string;
  /** Where the port of a container can be reached. */
  host: string;
}

export interface LocatedImage {
  image: DockerImage;
  postgres: { version: string; major: number };
  /** What the engine has, which need not be this machine. */
  resources: { memoryBytes: number; cores: number };
}

/**
 * Finds the image. It is not pulled: a download belongs in nobody's measurement.
 * @throws EnvironmentError when there is no engine, no image, or no PostgreSQL in it
 */
export async function findImage(name: string): Promise<LocatedImage> {
  const [engine, address] = await Promise.all([
    docker(['info', '--format', '{{json .}}']),
    docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']),
  ]);
  const { MemTotal, NCPU, ServerErrors } = JSON.parse(engine) as EngineInfo;
  // Some versions of the command call it no failure when there is no engine.
  if (ServerErrors?.length) throw dockerFailure('info', undefined, ServerErrors.join('\n'));
  const text = await docker(['image', 'inspect', '--format', '{{json .}}', name]).catch((cause: unknown) => {
    if (!/no such (image|object)/i.test(messageOf(cause))) throw cause;
    throw new EnvironmentError(`The Docker engine does not have the image ${name}.`, {
      hint: `Get it first: docker pull ${name}`,
      cause,
    });
  });
  const { Id: id, Config: config } = JSON.parse(text) as InspectedImage;
  return {
    image: { name, id, mountPath: mountPath(config), host: publishedHost(address) },
    postgres: await versionOf(name, id),
    resources: { memoryBytes: MemTotal, cores: NCPU },
  };
}

interface EngineInfo {
  MemTotal: number;
  NCPU: number;
  ServerErrors?: string[];
}

interface InspectedImage {
  Id: string;
  Config: ImageConfig;
}

interface ImageConfig {
  Env?: string[] | null;
  Volumes?: Record<string, object> | null;
}

/**
 * Where the volume goes: what the image declares as one around its data folder, else the data folder. The official image
 * declares /var/lib/postgresql from PostgreSQL 18 on, and the data folder itself before.
 */
export function mountPath({ Env, Volumes }: ImageConfig): string {
  const dataDir = (Env ?? []).find((entry) => entry.startsWith('PGDATA='))?.slice('PGDATA='.length);
  const folder = dataDir ?? '/var/lib/postgresql/data';
  return Object.keys(Volumes ?? {}).find((volume) => `${folder}/`.startsWith(`${volume}/`)) ?? folder;
}

const loopback = '127.0.0.1';

/** The host of an engine's address: that of `tcp://` and `ssh://`, else this machine. */
export function publishedHost(address: string): string {
  const host = /^(?:tcp|ssh|https?):\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)/.exec(address.trim())?.[1];
  if (host === undefined || ['localhost', '[::1]', loopback].includes(host)) return loopback;
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** Of this machine's engine a port is published on loopback only; of another one it could not be reached there. */
export function publishing({ host }: DockerImage, port: number | undefined): string {
  const inside = `${port ?? ''}:5432`;
  return host === loopback ? `${loopback}:${inside}` : inside.replace(/^:/, '');
}

async function versionOf(name: string, id: string): Promise<{ version: string; major: number }> {
  const command = ['run', '--rm', '--network', 'none', '--entrypoint', 'postgres', id, '--version'];
  try {
    return parseVersion(await docker(command));
  } catch (cause) {
    throw new EnvironmentError(`The image ${name} has no PostgreSQL that runs: ${messageOf(cause)}`, {
      hint: 'Choose an image that is built on the official one, such as postgres:18.',
      cause,
    });
  }
}
