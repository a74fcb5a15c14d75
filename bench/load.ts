/**
 * Our load engine beside pgbench: single-row reads by primary key at 1,000 a second on the same server, in turns. Both count from the
 * scheduled start (pgbench: its log under -R) over the same number of connections, on one thread. Where ours is allowed to keep idle cores awake
 * it has an advantage that is not of its code: a further turn of pgbench has it too.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runBlock } from '../src/load/engine.ts';
import { keepCoresAwake } from '../src/load/idle-cores.ts';
import { readSamples } from '../src/load/samples-file.ts';
import { defaultLoad } from '../src/scenario.ts';
import type { ConnectionTarget } from '../src/server/server.ts';
import type { BenchResult } from './main.ts';
import { connections, pointReadLoad, pointReads, runPeer, withAccounts } from './peers/generators.ts';

const ratePerSecond = 1000;
/** Not counted on either side: connecting, preparing, compiling. As long as that of a run. */
const { warmupMs } = defaultLoad;

/** What one turn of a generator gave. */
interface Turn {
  responseUs: number[];
  latenessUs: number[];
  cpuSeconds: number;
}

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  return withAccounts((target, folder) => takeTurns(target, folder, quick ? 3000 : 6000, quick ? 2 : 8));
}

async function takeTurns(
  target: ConnectionTarget,
  folder: string,
  durationMs: number,
  turns: number,
): Promise<BenchResult> {
  const ours: Turn[] = [];
  const pgbench: Turn[] = [];
  const pgbenchAwake: Turn[] = [];
  for (let turn = 0; turn < turns; turn++) {
    ours.push(await driveOurs(target, folder, durationMs, turn));
    const theirs = await drivePgbench(target, folder, durationMs);
    if (theirs !== undefined) pgbench.push(theirs);
    using cores = keepCoresAwake();
    const alike = cores.granted ? await drivePgbench(target, folder, durationMs) : undefined;
    if (alike !== undefined) pgbenchAwake.push(alike);
  }
  return besidePeers(figuresOf(ours, durationMs), [
    ...(pgbench.length === 0 ? [] : [{ name: 'pgbench', figures: figuresOf(pgbench, durationMs) }]),
    ...(pgbenchAwake.length === 0
      ? []
      : [{ name: 'pgbench, cores awake', figures: figuresOf(pgbenchAwake, durationMs) }]),
  ]);
}

type Figures = Record<string, number>;

function besidePeers(us: Figures, peers: readonly { name: string; figures: Figures }[]): BenchResult {
  const result: BenchResult = { ratios: {}, figures: labelled('ours', us) };
  for (const { name, figures } of peers) {
    Object.assign(result.figures, labelled(name, figures));
    for (const [figure, value] of Object.entries(us)) result.ratios[`${figure} / ${name}`] = value / figures[figure]!;
  }
  return result;
}

async function driveOurs(target: ConnectionTarget, folder: string, durationMs: number, turn: number): Promise<Turn> {
  const samplesPath = join(folder, 'samples.bin');
  const block = await runBlock({
    ...pointReads,
    id: `turn-${turn}`,
    blockNumber: turn,
    connection: target,
    load: { ratePerSecond, ...pointReadLoad, durationMs, warmupMs },
    samplesPath,
  });
  const { samples } = await readSamples(samplesPath);
  const counted = [...samples.dueUs.keys()].filter((arrival) => samples.dueUs[arrival]! >= warmupMs * 1000);
  return {
    responseUs: counted.map((arrival) => samples.endUs[arrival]!),
    latenessUs: counted.map((arrival) => samples.latenessUs[arrival]!),
    cpuSeconds: (block.generator.cpuCores * (durationMs + warmupMs)) / 1000,
  };
}

async function drivePgbench(target: ConnectionTarget, folder: string, durationMs: number): Promise<Turn | undefined> {
  const prefix = join(folder, 'log');
  const seconds = (warmupMs + durationMs) / 1000;
  const options = ['-n', '-S', '-M', 'prepared', '-R', `${ratePerSecond}`, '-c', `${connections}`, '-j', '1'];
  const command = ['pgbench', ...options, '-T', `${seconds}`, '--log', `--log-prefix=${prefix}`];
  const peer = await runPeer(command, target);
  if (peer === undefined) return undefined;
  const log = (await readdir(folder)).find((file) => file.startsWith('log.'))!;
  const turn = readLog(await readFile(join(folder, log), 'utf8'));
  await rm(join(folder, log));
  return { ...turn, cpuSeconds: peer.cpuSeconds };
}

/** Lines of: client, transaction, latency, script, second, microsecond, lag behind the schedule. The warm-up is left out. */
function readLog(text: string): Pick<Turn, 'responseUs' | 'latenessUs'> {
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const start = Math.min(...rows.slice(0, 100).map(scheduledUs));
  const counted = rows.filter((row) => scheduledUs(row) - start >= warmupMs * 1000);
  return { responseUs: counted.map((row) => row[2]!), latenessUs: counted.map((row) => row[6]!) };
}

function scheduledUs(row: number[]): number {
  return row[4]! * 1e6 + row[5]! - row[2]!;
}

function at(sorted: Float64Array, share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

/** Each figure is the median over the turns: on a shared machine a disturbance spoils one of them and not the figure. */
function figuresOf(turns: readonly Turn[], durationMs: number): Figures {
  const each = turns.map(({ responseUs, latenessUs, cpuSeconds }) => {
    const response = Float64Array.from(responseUs).sort();
    const lateness = Float64Array.from(latenessUs).sort();
    return {
      'response p50 us': at(response, 0.5),
      'response p95 us': at(response, 0.95),
      'response p99 us': at(response, 0.99),
      'lateness p50 us': at(lateness, 0.5),
      'lateness p99 us': at(lateness, 0.99),
      'CPU cores': (cpuSeconds * 1000) / (durationMs + warmupMs),
    };
  });
  const names = Object.keys(each[0]!) as (keyof (typeof each)[number])[];
  return Object.fromEntries(names.map((name) => [name, at(Float64Array.from(each, (turn) => turn[name]).sort(), 0.5)]));
}

function labelled(label: string, figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${label}: ${name}`, value]));
}
