/** Worker thread: computes the rows of a table and streams them to the server as binary COPY, one table after the other. */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { PgrehearseError, messageOf } from '../errors.ts';
import { importScenario } from '../scenario-module.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { bindSeed } from './bind.ts';
import { copyTable } from './copy-table.ts';
import type { TargetTable } from './inspect.ts';

export interface LoadWorkerData {
  scenarioFile: string;
  connection: ConnectionTarget;
  seed: number;
  scale: number;
}

export type LoadRequest = { type: 'load'; table: TargetTable } | { type: 'end' };

export type LoadReply =
  | { type: 'progress'; table: string; rows: number; bytes: number }
  | { type: 'loaded'; table: string; rows: number; bytes: number; copyMs: number; sha256: string }
  | { type: 'failed'; message: string; hint: string | undefined; usage: boolean };

/** Progress is told this often. */
const progressMs = 200;

const { scenarioFile, connection, seed, scale } = workerData as LoadWorkerData;
const port = parentPort!;
const reply = (message: LoadReply): void => port.postMessage(message);
const bound = importScenario(scenarioFile).then(({ workload }) => bindSeed(workload.seed, { seed, scale }));

async function load(target: TargetTable): Promise<void> {
  const table = (await bound).get(target.name)!;
  const startedMs = performance.now();
  let toldMs = startedMs;
  const hash = createHash('sha256');
  const { rows, bytes } = await copyTable(connection, target, table, (done, chunk) => {
    hash.update(chunk);
    if (performance.now() - toldMs < progressMs) return;
    toldMs = performance.now();
    reply({ type: 'progress', table: target.name, ...done });
  });
  reply({
    type: 'loaded',
    table: target.name,
    rows,
    bytes,
    copyMs: performance.now() - startedMs,
    sha256: hash.digest('hex'),
  });
}

port.on('message', (request: LoadRequest) => {
  if (request.type === 'end') {
    port.close();
    return;
  }
  load(request.table).catch((error: unknown) => {
    const known = error instanceof PgrehearseError ? error : undefined;
    reply({ type: 'failed', message: messageOf(error), hint: known?.hint, usage: known?.exitCode === 2 });
  });
});
