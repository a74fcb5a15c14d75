/** How PostgreSQL's programs are run: as whom, and in which environment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { asServerUser } from './server-user.ts';

/**
 * Environment of every PostgreSQL program that we start: nothing of the caller's PG* variables, locale or time zone, so
 * that the same run behaves the same everywhere.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'SystemRoot', 'TEMP', 'TMP'].filter((name) => process.env[name] !== undefined);
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * Has glibc (2.35 and newer; others take no notice) ask the kernel for large pages where a program allocates much, as a sort does: fewer page
 * faults, fewer misses of the TLB. https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
 */
export const inLargePages: NodeJS.ProcessEnv = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

/**
 * Runs a program as the server user until it ends; an abort asks it to end and waits, so that it is not at work any more
 * when its folder is removed.
 * @returns what it wrote to its standard output
 * @throws Error with what it complained about, or the signal's reason
 */
export async function runProgram(program: string, options: string[], signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  const child = spawn(program, options, {
    cwd: '/',
    env: serverEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    ...asServerUser(),
  });
  const stop = (): boolean => child.kill();
  signal?.addEventListener('abort', stop);
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(complaint(complaints) ?? `it ended with ${killedBy ?? `code ${code}`}`);
    return output;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** The line that tells the cause, without the program's name. */
function complaint(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.find((line) => /error|fatal|could not|cannot/i.test(line)) ?? lines.at(-1);
  return telling?.replace(/^.*?(error|FATAL): +/, '').replace(/\.$/, '');
}
