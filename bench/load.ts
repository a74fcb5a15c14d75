/**
 * Our load engine beside pgbench: single-row reads by primary key at 1,000 a second on the same server, in turns. Both count from the
 * scheduled start (pgbench: its log under -R) over the same number of connections, on one thread. Once as the machine is, and once with idle cores
 * kept awake, for both.
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

type Turns = Map<string, Turn[]>;

async function takeTurns(
  target: ConnectionTarget,
  folder: string,
  durationMs: number,
  turns: number,
): Promise<BenchResult> {
  const [halted, awake]: [Turns, Turns] = [new Map(), new Map()];
  for (let turn = 0; turn < turns; turn++) {
    await driveBoth(halted, target, folder, durationMs, turn);
    using cores = coresAwake();
    if (cores !== undefined) await driveBoth(awake, target, folder, durationMs, turn);
  }
  const [usual, keptAwake] = [compare(halted, durationMs, ''), compare(awake, durationMs, ', cores awake')];
  return {
    ratios: { ...usual.ratios, ...keptAwake.ratios },
    figures: { ...usual.figures, ...keptAwake.figures },
  };
}

async function driveBoth(
  turns: Turns,
  target: ConnectionTarget,
  folder: string,
  durationMs: number,
  turn: number,
): Promise<void> {
  const add = (name: string, figures: Turn) => turns.set(name, [...(turns.get(name) ?? []), figures]);
  add('ours', await driveOurs(target, folder, durationMs, turn));
  const theirs = await drivePgbench(target, folder, durationMs);
  if (theirs !== undefined) add('pgbench', theirs);
}

/** For both, as far as it is granted: for pgbench nobody else asks for it. */
function coresAwake(): Disposable | undefined {
  try {
    return keepCoresAwake();
  } catch (error) {
    console.error(`Not measured with cores that are kept awake: ${(error as Error).message}`);
    return undefined;
  }
}

/** @param how what both were given, behind the names of the figures */
function compare(turns: Turns, durationMs: number, how: string): BenchResult {
  const result: BenchResult = { ratios: {}, figures: {} };
  const figures = new Map([...turns].map(([name, own]) => [name, figuresOf(own, durationMs)]));
  for (const [name, own] of figures) Object.assign(result.figures, labelled(`${name}${how}`, own));
  const [us, them] = [figures.get('ours'), figures.get('pgbench')];
  if (us === undefined || them === undefined) return result;
  for (const [figure, value] of Object.entries(us)) result.ratios[`${figure} / pgbench${how}`] = value / them[figure]!;
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
function figuresOf(turns: readonly Turn[], durationMs: number): Record<string, number> {
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

function labelled(label: string, figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${label}: ${name}`, value]));
}
