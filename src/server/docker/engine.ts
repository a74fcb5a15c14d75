/**
 * The docker command line. It honours contexts, DOCKER_HOST and whatever login its user has set up, can remove a container while
 * this process is ending, and publishes ports on loopback alone, which client libraries such as testcontainers do not offer.
 */
import { execFileSync } from 'node:child_process';
import { execa } from 'execa';
import { EnvironmentError } from '../../errors.ts';

/** Which engine the command line talks to: variables that are set, so that a later process finds the same one. */
export type EngineAddress = Partial<Record<'DOCKER_HOST' | 'DOCKER_CONTEXT', string>>;

/** What of an engine must not outlive us. */
export type EngineObject = 'container' | 'volume';

interface DockerOptions {
  signal?: AbortSignal | undefined;
  /** For its stdin. */
  input?: string;
  /** On top of our own: the way for passwords, which a command line would show to everybody. */
  env?: NodeJS.ProcessEnv;
  /** Return what it says on stderr too. */
  both?: boolean;
}

/**
 * Runs `docker ...args`.
 * @returns what it prints, without the last line break
 * @throws EnvironmentError when there is no command, no engine, or it fails; the signal's reason after an abort
 */
export async function docker(
  args: readonly string[],
  { signal, input, env = {}, both = false }: DockerOptions = {},
): Promise<string> {
  const { stdout, stderr, failed, code } = await execa('docker', args, {
    reject: false,
    env,
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (!failed) return both ? `${stdout}\n${stderr}` : stdout;
  throw dockerFailure(args[0]!, code, stderr);
}

/** What a failed command means: nobody to ask, or the last thing that was said. */
export function dockerFailure(command: string, code: string | undefined, stderr: string): EnvironmentError {
  if (code === 'ENOENT') {
    return new EnvironmentError('The docker command was not found on PATH.', {
      hint: 'Install Docker (https://docs.docker.com/get-docker/), or choose another --server.',
    });
  }
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('See '));
  const said = (lines.at(-1) ?? 'it said nothing')
    .replace(/^(docker|error): /i, '')
    .replace(/\.( Is the docker daemon running\?)?$/i, '');
  if (
    /cannot connect to the docker daemon|error during connect|failed to connect|permission denied while/i.test(stderr)
  ) {
    return new EnvironmentError(`No Docker engine answers: ${said}.`, {
      hint: 'Start Docker, or correct DOCKER_HOST and the rights of this user, until `docker version` shows a server.',
    });
  }
  return new EnvironmentError(`docker ${command} failed: ${said}.`, {
    hint: 'Try the same with `docker` by hand; its documentation names the cause.',
  });
}

/** By these people find what is ours: what it is for, and the process that made it. */
export function labels(use: 'server' | 'copy' | 'snapshot' | 'clone'): string[] {
  return [`--label=pgrehearse.use=${use}`, `--label=pgrehearse.process=${process.pid}`];
}

/** As the environment of this process says. */
export function engineAddress(env: NodeJS.ProcessEnv = process.env): EngineAddress {
  const { DOCKER_HOST, DOCKER_CONTEXT } = env;
  return { ...(DOCKER_HOST ? { DOCKER_HOST } : {}), ...(DOCKER_CONTEXT ? { DOCKER_CONTEXT } : {}) };
}

/**
 * Removes a container, running or not, or a volume.
 * @returns whether it was there
 * @throws EnvironmentError when it cannot be removed now
 */
export async function removeObject(what: EngineObject, name: string, engine: EngineAddress): Promise<boolean> {
  // The command for removing forgives what is not there, so it cannot tell.
  const found = await docker(
    [what, 'ls', '--quiet', ...(what === 'container' ? ['--all'] : []), '--filter', `name=${name}`],
    {
      env: engine,
    },
  );
  if (found === '') return false;
  await docker(removal(what, name), { env: engine });
  return true;
}

/** The same for the moment when this process ends and nothing can be awaited any more. */
export function removeObjectAtExit(what: EngineObject, name: string): void {
  execFileSync('docker', removal(what, name), { stdio: 'ignore', timeout: 10_000 });
}

/** A container goes with its anonymous volumes. */
function removal(what: EngineObject, name: string): string[] {
  return what === 'container' ? ['rm', '--force', '--volumes', name] : ['volume', 'rm', '--force', name];
}
