/**
 * The highest rate of single-row reads by primary key that each load generator gets out of the same server, in turns: ours with one
 * worker and pgbench with one thread over the same number of connections; sysbench, which has one connection for each thread, once with as
 * many connections and once with as many threads. Ours is asked for far more than there is, so its queue never runs empty; the others drive
 * in a closed loop.
 */
import { join } from 'node:path';
import { runBlock } from '../src/load/engine.ts';
import type { ConnectionTarget } from '../src/server/server.ts';
import type { BenchResult } from './main.ts';
import { connections, pointReadLoad, pointReads, runPeer, withAccounts } from './peers/generators.ts';
import { median } from '../src/stats/median.ts';

/** More than any single thread carries out. */
const askedPerSecond = 150_000;

/** What one turn of a generator gave. */
interface Turn {
  perSecond: number;
  /** Time of the processor for each transaction, in microseconds. */
  cpuUs: number;
}

type Turns = Record<'ours' | 'pgbench' | 'sysbench, a thread for each connection' | 'sysbench, one thread', Turn[]>;

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const seconds = quick ? 2 : 6;
  return withAccounts(async (target, folder) => {
    await prepareSysbench(target);
    const turns: Turns = {
      ours: [],
      pgbench: [],
      'sysbench, a thread for each connection': [],
      'sysbench, one thread': [],
    };
    for (let turn = 0; turn < (quick ? 2 : 8); turn++) {
      turns.ours.push(await driveOurs(target, folder, seconds, turn));
      turns.pgbench.push(...(await drivePgbench(target, seconds)));
      turns['sysbench, a thread for each connection'].push(...(await driveSysbench(target, seconds, connections)));
      turns['sysbench, one thread'].push(...(await driveSysbench(target, seconds, 1)));
    }
    return resultOf(turns);
  });
}

async function driveOurs(target: ConnectionTarget, folder: string, seconds: number, turn: number): Promise<Turn> {
  const durationMs = seconds * 1000;
  const { timeline, measuredMs, generator } = await runBlock({
    ...pointReads,
    id: `turn-${turn}`,
    blockNumber: turn,
    connection: target,
    load: {
      ratePerSecond: askedPerSecond,
      ...pointReadLoad,
      durationMs,
      warmupMs: 1000,
    },
    samplesPath: join(folder, 'samples.bin'),
    minimumMs: durationMs,
    drainMs: 100,
    backlogLimit: Infinity,
  });
  const done = timeline.reduce((sum, { completed }) => sum + completed, 0);
  const perSecond = (done * 1000) / measuredMs;
  return { perSecond, cpuUs: (generator.cpuCores * 1e6) / perSecond };
}

async function drivePgbench(target: ConnectionTarget, seconds: number): Promise<Turn[]> {
  const options = ['-n', '-S', '-M', 'prepared', '-c', `${connections}`, '-j', '1', '-T', `${seconds}`];
  const peer = await runPeer(['pgbench', ...options], target);
  if (peer === undefined) return [];
  const transactions = Number(/transactions actually processed: (\d+)/.exec(peer.output)![1]);
  const perSecond = Number(/tps = ([\d.]+)/.exec(peer.output)![1]);
  return [{ perSecond, cpuUs: (peer.cpuSeconds * 1e6) / transactions }];
}

/** Its point selects read a table of its own shape, of as many rows. */
async function prepareSysbench(target: ConnectionTarget): Promise<void> {
  await runPeer(sysbench(target, 1, 1, 'prepare'), target);
}

async function driveSysbench(target: ConnectionTarget, seconds: number, threads: number): Promise<Turn[]> {
  const peer = await runPeer(sysbench(target, seconds, threads, 'run'), target);
  if (peer === undefined) return [];
  const [, count, perSecond] = /transactions:\s+(\d+)\s+\(([\d.]+) per sec/.exec(peer.output)!;
  return [{ perSecond: Number(perSecond), cpuUs: (peer.cpuSeconds * 1e6) / Number(count) }];
}

function sysbench(
  { host, port, user, password, database }: ConnectionTarget,
  seconds: number,
  threads: number,
  command: string,
): string[] {
  const server = [`--pgsql-host=${host}`, `--pgsql-port=${port}`, `--pgsql-user=${user}`, `--pgsql-db=${database}`];
  const secret = password === undefined ? [] : [`--pgsql-password=${password}`];
  const load = [`--threads=${threads}`, `--time=${seconds}`, '--tables=1', '--table-size=100000', '--skip-trx=on'];
  return ['sysbench', 'oltp_point_select', '--db-driver=pgsql', ...server, ...secret, ...load, command];
}

/** Medians over the turns: on a shared machine a disturbance spoils one of them and not the figure. */
function resultOf(turns: Turns): BenchResult {
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const [name, list] of Object.entries(turns)) {
    if (list.length === 0) continue;
    figures[`${name}: transactions/s`] = median(list.map(({ perSecond }) => perSecond));
    figures[`${name}: generator's CPU us a transaction`] = median(list.map(({ cpuUs }) => cpuUs));
    if (name === 'ours') continue;
    ratios[`peak, ours / ${name}`] = median(turns.ours.map(({ perSecond }, at) => perSecond / list[at]!.perSecond));
    ratios[`CPU a transaction, ours / ${name}`] = median(turns.ours.map(({ cpuUs }, at) => cpuUs / list[at]!.cpuUs));
  }
  return { ratios, figures };
}
