/**
 * What generators count of a server that stands still for a second: all backends of the load are stopped (SIGSTOP) in mid-run, at 100 and
 * at 1,000 transactions a second (evenly spaced; pgbench's are Poisson). Whatever was due in that second, but for its end, waited longer than the limit: that many are late. A
 * closed loop asks no further while it waits, so it sees one slow answer for each connection. The correction that autocannon applies to that
 * (HdrHistogram's, with its expected interval of a millisecond whatever the rate) adds an answer for each millisecond of each of them.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../src/database.ts';
import { runBlock } from '../src/load/engine.ts';
import { readSamples } from '../src/load/samples-file.ts';
import { never } from '../src/load/samples.ts';
import type { ConnectionTarget } from '../src/server/server.ts';
import type { BenchResult } from './main.ts';
import { connections, pointReadLoad, pointReads, runPeer, withAccounts } from './peers/generators.ts';

const stallMs = 1000;
/** Slower ones are late. */
const limitMs = 50;

/** Times of one run, in microseconds: from when a transaction was due, and from when it was sent. */
interface Times {
  responseUs: number[];
  serviceUs: number[];
}

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const seconds = quick ? 4 : 10;
  return withAccounts(async (target, folder) => {
    const result: BenchResult = { ratios: {}, figures: {} };
    for (const perSecond of [100, 1000]) {
      const ours = await driveOurs(target, folder, perSecond, seconds);
      const pgbench = await drivePgbench(target, folder, perSecond, seconds);
      addFigures(result, perSecond, ours, pgbench);
    }
    return result;
  });
}

function addFigures(
  { ratios, figures }: BenchResult,
  perSecond: number,
  ours: Times,
  pgbench: Times | undefined,
): void {
  const predicted = (perSecond * (stallMs - limitMs)) / 1000;
  const late = countLate(ours.responseUs);
  figures[`${perSecond}/s, late by arithmetic`] = predicted;
  figures[`${perSecond}/s, late as we count`] = late;
  figures[`${perSecond}/s, late as a closed loop counts`] = countLate(ours.serviceUs);
  figures[`${perSecond}/s, late as autocannon corrects it`] = countLate(corrected(ours.serviceUs));
  if (pgbench !== undefined) {
    figures[`${perSecond}/s, late in pgbench's log (-R)`] = countLate(pgbench.responseUs);
    figures[`${perSecond}/s, the same less its lag`] = countLate(pgbench.serviceUs);
  }
  ratios[`${perSecond}/s, late: ours / arithmetic`] = late / predicted;
}

function countLate(timesUs: readonly number[]): number {
  return timesUs.filter((us) => us > limitMs * 1000).length;
}

/** As HdrHistogram's recordValueWithExpectedInterval: behind each value those that are shorter by the interval, by twice the interval, ... */
function corrected(timesUs: readonly number[]): number[] {
  const intervalUs = 1000;
  return timesUs.flatMap((us) =>
    Array.from({ length: Math.max(1, Math.floor(us / intervalUs)) }, (_, turn) => us - turn * intervalUs),
  );
}

async function driveOurs(
  connection: ConnectionTarget,
  folder: string,
  ratePerSecond: number,
  seconds: number,
): Promise<Times> {
  const samplesPath = join(folder, 'samples.bin');
  let stalled: Promise<void> | undefined;
  await runBlock({
    ...pointReads,
    id: 'stalled',
    blockNumber: 0,
    connection,
    load: { ratePerSecond, ...pointReadLoad, arrivals: 'constant', durationMs: seconds * 1000, warmupMs: 0 },
    samplesPath,
    // Ten seconds of a queue that grows would be taken for saturation.
    minimumMs: seconds * 1000,
    onProgress: ({ elapsedMs }) => {
      if (elapsedMs > 1000) stalled ??= stall(connection, 'pgrehearse load');
    },
  });
  await stalled;
  const { samples } = await readSamples(samplesPath);
  const sent = [...samples.sentUs.keys()].filter((arrival) => samples.sentUs[arrival] !== never);
  return {
    responseUs: [...samples.endUs],
    serviceUs: sent.map((arrival) => samples.endUs[arrival]! - samples.sentUs[arrival]!),
  };
}

/** Its log has a line for each transaction: client, number, latency from the schedule, script, second, microsecond, lag of the send. */
async function drivePgbench(
  target: ConnectionTarget,
  folder: string,
  ratePerSecond: number,
  seconds: number,
): Promise<Times | undefined> {
  const options = ['-n', '-S', '-M', 'prepared', '-R', `${ratePerSecond}`, '-c', `${connections}`, '-j', '1'];
  const log = [`-T`, `${seconds}`, '--log', `--log-prefix=${join(folder, 'log')}`];
  const running = runPeer(['pgbench', ...options, ...log], target);
  await Promise.race([running, sleep(1500)]);
  await stall(target, 'pgbench');
  if ((await running) === undefined) return undefined;
  const file = join(
    folder,
    (await readdir(folder)).find((name) => name.startsWith('log.'))!,
  );
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  await rm(file);
  const rows = lines.map((line) => line.split(' ').map(Number));
  return { responseUs: rows.map((row) => row[2]!), serviceUs: rows.map((row) => row[2]! - row[6]!) };
}

/** Stops all backends of a generator, as a stalled disk or a paused virtual machine would. */
async function stall(target: ConnectionTarget, application: string): Promise<void> {
  const pids = await withClient(target, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      'SELECT pid FROM pg_stat_activity WHERE application_name = $1',
      [application],
    );
    return rows.map(({ pid }) => pid);
  });
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await sleep(stallMs);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
}
