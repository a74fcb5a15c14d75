/** What the load generator can do on this machine, measured against a server that does nothing. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentError } from '../errors.ts';
import type { Block, GeneratorFigures } from '../result.ts';
import type { LoadSpec } from '../scenario.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { runBlock } from './engine.ts';

export interface CeilingOptions {
  /** Time of each step. Default 3 s. */
  stepMs?: number;
  signal?: AbortSignal;
  /** Told after each step: what was offered and what was carried out, in transactions a second. */
  onStep?(step: { offeredPerSecond: number; donePerSecond: number; cpuCores: number }): void;
}

/** Where lateness is asked: the rate that most runs offer. */
const usualRate = 1000;
const firstRate = 5000;
const growth = 1.6;
const mostSteps = 10;
const connections = 16;

/**
 * Measures the lateness at 1,000 transactions a second, then offers more and more until one worker carries out no more.
 *
 * @throws EnvironmentError when the server without work cannot be started
 * @throws the signal's reason when aborted
 */
export async function measureCeiling(options: CeilingOptions = {}): Promise<GeneratorFigures> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-ceiling-'));
  await using server = await startNoopServer(folder.path);
  const step = (ratePerSecond: number): Promise<Block> => driveStep(ratePerSecond, server.target, folder.path, options);
  const calm = await step(usualRate);
  let best = { donePerSecond: 0, cpuCores: 1 };
  for (let rate = firstRate, steps = 0; steps < mostSteps; rate = Math.round(rate * growth), steps++) {
    const block = await step(rate);
    const found = { donePerSecond: doneIn(block), cpuCores: block.generator.cpuCores };
    options.onStep?.({ offeredPerSecond: rate, ...found });
    // Beyond the ceiling the rate falls again: the queue costs time too.
    if (found.donePerSecond < best.donePerSecond * 1.02) break;
    best = found;
  }
  return {
    ceilingPerSecond: best.donePerSecond,
    perCorePerSecond: best.donePerSecond / best.cpuCores,
    latenessP50Us: calm.generator.lateness.p50Us,
    latenessP99Us: calm.generator.lateness.p99Us,
    latenessCpuCores: calm.generator.cpuCores,
    measuredAt: new Date().toISOString(),
  };
}

/** Ends within the counted time, whenever they were due. */
function doneIn({ timeline, measuredMs }: Block): number {
  const completed = timeline.reduce((sum, bucket) => sum + bucket.completed, 0);
  return measuredMs === 0 ? 0 : (completed * 1000) / measuredMs;
}

async function driveStep(
  ratePerSecond: number,
  connection: ConnectionTarget,
  folder: string,
  { stepMs = 3000, signal }: CeilingOptions,
): Promise<Block> {
  signal?.throwIfAborted();
  const load: LoadSpec = {
    ratePerSecond,
    arrivals: 'poisson',
    durationMs: stepMs,
    warmupMs: Math.min(1000, stepMs / 2),
    connections,
    statementTimeoutMs: 5000,
  };
  const file = fileURLToPath(new URL('./ceiling/scenario' + extname(fileURLToPath(import.meta.url)), import.meta.url));
  const block = await runBlock({
    scenarioFile: file,
    stage: 'noop',
    id: `${ratePerSecond}`,
    blockNumber: 0,
    connection,
    seed: 1,
    scale: 1,
    load,
    slo: { percentile: 95, limitMs: 50 },
    samplesPath: join(folder, 'samples.bin'),
    // The queue of a step that asks for too much is not worth serving.
    minimumMs: stepMs,
    drainMs: 100,
    backlogLimit: Infinity,
    ...(signal === undefined ? {} : { signal }),
  });
  signal?.throwIfAborted();
  return block;
}

/** Starts the server in a process of its own. Disposing ends it; it also ends with this process. */
export async function startNoopServer(folder: string): Promise<{ target: ConnectionTarget } & AsyncDisposable> {
  const port = 5432;
  const windows = process.platform === 'win32';
  const file = fileURLToPath(
    new URL('./ceiling/noop-server' + extname(fileURLToPath(import.meta.url)), import.meta.url),
  );
  const child = fork(file, { stdio: 'ignore' });
  const account = { user: 'load', database: 'noop' };
  try {
    child.send({ path: windows ? undefined : join(folder, `.s.PGSQL.${port}`) });
    const loopbackPort = await portOf(child);
    const target = windows ? { host: '127.0.0.1', port: loopbackPort, ...account } : { host: folder, port, ...account };
    return { target, [Symbol.asyncDispose]: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  const failed = new AbortController();
  child.once('exit', () => failed.abort());
  const said = await once(child, 'message', { signal: failed.signal }).catch(() => [{ error: 'it ended at once' }]);
  const { port, error } = said[0] as { port?: number; error?: string };
  if (port !== undefined) return port;
  throw new EnvironmentError(`The server without work could not be started: ${error}.`, {
    hint: 'Check that the folder for temporary files is writable.',
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
