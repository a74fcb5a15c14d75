/**
 * What observation costs the load that it observes: the last stage of webhooks at its rate, on one clone, in one long block. Its half seconds take
 * turns, in triples of a random order: unobserved; looked at as every stage is (waits, ten times a second); as while a migration runs (here it
 * keeps a lock that stops nobody), with the lock queue looked at every 20 ms, log, disk and replicas twice a second. So close to each other they share whatever else goes on on the machine; the
 * connections that look stay open, for to open one costs more than many looks.
 * Typical ratios of p95 with their 90 % intervals (signed ranks), and the CPU that looking takes on the server and in the generator.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { loadConfig, planRun, type RunEvent, type RunPlan } from 'pgrehearse';
import { LockWatch } from '../src/live-migration/lock-watch.ts';
import { ServerWatch } from '../src/live-migration/server-watch.ts';
import { LoadSession } from '../src/load/engine.ts';
import { readSamples } from '../src/load/samples-file.ts';
import { sampleHost } from '../src/observe/host.ts';
import { WaitProfile } from '../src/observe/wait-profile.ts';
import { onClone, rehearse, type LiveStage } from '../src/rehearsal.ts';
import type { ConnectionTarget } from '../src/server/server.ts';
import { signedRank } from '../src/stats/signed-rank.ts';
import type { BenchResult } from './main.ts';
import { median } from '../src/stats/median.ts';

const root = resolve(import.meta.dirname, '..');
const arms = ['unobserved', 'observed', 'rehearsed'] as const;
type Arm = (typeof arms)[number];

/** Not counted at the beginning of a turn: what the turn before has left behind ends. */
const settleMs = 20;
/** Together with the above less than half a second, after which the server would be looked at a second time. */
const countedMs = 470;
/** At most, with what ends it: the watch of the locks lets the server look for half a second at a time, that of the waits sleeps for 100 ms. */
const turnMs = 620;

/** The counted part of a turn. */
interface Window {
  arm: Arm;
  /** Of the clock on the wall. */
  fromMs: number;
  toMs: number;
  /** CPU of this process, which the looks are sent from. */
  ownCores: number;
}

/** What was measured over all turns. */
interface Turns {
  windows: Window[];
  /** CPU of the server's sessions that look, while they do. */
  lookingCores: Record<Exclude<Arm, 'unobserved'>, number>;
}

export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  const out = await mkdtemp(join(tmpdir(), 'pgrehearse-bench-'));
  try {
    const config = await loadConfig(root);
    const stages = ['after'];
    const request = { scenario: 'webhooks', stages, folder: root, config, out, scale: scale ?? (quick ? 0.02 : 0.2) };
    const plan = await planRun(request);
    let result: BenchResult | undefined;
    await rehearse(plan, { onEvent: tell }, {}, async (rehearsal) => {
      await onClone(rehearsal.stages[0]!, rehearsal, {}, async (live) => {
        result = await observe(live, plan, quick ? 10 : 600);
      });
    });
    return result!;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function observe(live: LiveStage, plan: RunPlan, triples: number): Promise<BenchResult> {
  const { connection, planned } = live;
  const { scenarioFile, seed, scale, slo, outDir } = plan;
  const load = { ...planned.load, durationMs: triples * arms.length * turnMs + 2000 };
  await using session = await LoadSession.open({ scenarioFile, stage: 'after', connection, seed, scale, load });
  const samplesPath = join(outDir, 'samples.bin');
  const stop = new AbortController();
  const counted = Promise.withResolvers<void>();
  const onProgress = ({ elapsedMs }: { elapsedMs: number }): void => {
    if (elapsedMs > load.warmupMs) counted.resolve();
  };
  const { signal } = stop;
  const block = session.runBlock({ id: 'long', blockNumber: 0, load, slo, samplesPath, onProgress, signal });
  await counted.promise;
  const turns = await takeTurns(connection, triples);
  stop.abort();
  await block;
  return resultOf(turns, await p95Of(turns.windows, samplesPath));
}

async function takeTurns(connection: ConnectionTarget, triples: number): Promise<Turns> {
  await using observers = await Observers.connect(connection);
  const windows: Window[] = [];
  const lookedMs = { unobserved: 0, observed: 0, rehearsed: 0 };
  for (let triple = 0; triple < triples; triple++) {
    for (const arm of shuffled(arms)) {
      const begunMs = performance.now();
      const stop = await observers.begin(arm);
      await sleep(settleMs);
      windows.push(await countWindow(arm));
      await stop();
      lookedMs[arm] += performance.now() - begunMs;
    }
  }
  return { windows, lookingCores: observers.cores(lookedMs) };
}

async function countWindow(arm: Arm): Promise<Window> {
  const [fromMs, own] = [Date.now(), process.cpuUsage()];
  await sleep(countedMs);
  const toMs = Date.now();
  const { user, system } = process.cpuUsage(own);
  return { arm, fromMs, toMs, ownCores: (user + system) / 1000 / (toMs - fromMs) };
}

/** Who looks, on connections that stay open. */
class Observers implements AsyncDisposable {
  readonly #waits: Client;
  readonly #locks: Client;
  readonly #server: Client;
  readonly #migration: Client;

  private constructor(connection: ConnectionTarget) {
    const client = (name: string): Client => new Client({ ...connection, application_name: `pgrehearse ${name}` });
    this.#waits = client('observer');
    this.#locks = client('lock watch');
    this.#server = client('server watch');
    this.#migration = client('migrate');
  }

  static async connect(connection: ConnectionTarget): Promise<Observers> {
    const observers = new Observers(connection);
    for (const client of observers.#all) await client.connect();
    return observers;
  }

  get #all(): Client[] {
    return [this.#waits, this.#locks, this.#server, this.#migration];
  }

  /** Returns what ends the turn. */
  async begin(arm: Arm): Promise<() => Promise<void>> {
    if (arm === 'unobserved') return async () => {};
    if (arm === 'observed') {
      const profile = new WaitProfile(this.#waits);
      return async () => void (await profile.stop());
    }
    await this.#migration.query('BEGIN; LOCK TABLE delivery_attempts IN SHARE UPDATE EXCLUSIVE MODE');
    const [locks, server] = [new LockWatch(this.#locks), new ServerWatch(this.#server)];
    return async () => {
      await Promise.all([locks.stop(), server.stop()]);
      await this.#migration.query('COMMIT');
    };
  }

  /** @param lookedMs how long each arm was looked at */
  cores(lookedMs: Record<Arm, number>): Turns['lookingCores'] {
    const processes = sampleHost()?.processes;
    // Ticks are hundredths of a second; 0 where there is no /proc.
    const cpuMs = (client: Client): number => {
      const { processID } = client as unknown as { processID: number };
      return (processes?.get(processID)?.ticks ?? 0) * 10;
    };
    return {
      observed: cpuMs(this.#waits) / lookedMs.observed,
      rehearsed: (cpuMs(this.#locks) + cpuMs(this.#server)) / lookedMs.rehearsed,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#all) await client.end();
  }
}

/** Of the response times of what was due in each window, in microseconds. */
async function p95Of(windows: readonly Window[], samplesPath: string): Promise<number[]> {
  const { block, samples } = await readSamples(samplesPath);
  const startMs = Date.parse(block.startedAt);
  const dueMs = samples.dueUs.map((dueUs) => startMs + dueUs / 1000);
  return windows.map(({ fromMs, toMs }) => {
    const responses = samples.endUs.slice(firstFrom(dueMs, fromMs), firstFrom(dueMs, toMs)).sort();
    return responses[Math.ceil(0.95 * responses.length) - 1]!;
  });
}

/** Place of the first that is not below the instant; ascending. */
function firstFrom(dueMs: Float64Array, instantMs: number): number {
  let [low, high] = [0, dueMs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (dueMs[middle]! < instantMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

function resultOf({ windows, lookingCores }: Turns, p95Us: readonly number[]): BenchResult {
  const of = <T>(arm: Arm, pick: (window: Window, at: number) => T): T[] =>
    windows.flatMap((window, at) => (window.arm === arm ? [pick(window, at)] : []));
  const [unobserved, ownCores] = [of('unobserved', (_, at) => p95Us[at]!), mean(of('unobserved', coresOf))];
  const result: BenchResult = {
    ratios: {},
    figures: { triples: unobserved.length, 'p95 unobserved us': median(unobserved) },
  };
  for (const arm of ['observed', 'rehearsed'] as const) {
    const logs = of(arm, (_, at) => p95Us[at]!).map((p95, triple) => Math.log(p95 / unobserved[triple]!));
    const { estimate, low, high } = signedRank(logs, 0.05);
    result.ratios[`p95 ${arm} / unobserved`] = Math.exp(estimate);
    result.ratios[`p95 ${arm} / unobserved, low`] = Math.exp(low);
    result.ratios[`p95 ${arm} / unobserved, high`] = Math.exp(high);
    result.figures[`${arm}: CPU of the server that looks take, cores`] = lookingCores[arm];
    result.figures[`${arm}: CPU of the generator more than unobserved, cores`] = mean(of(arm, coresOf)) - ownCores;
  }
  return result;
}

function coresOf({ ownCores }: Window): number {
  return ownCores;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function tell(event: RunEvent): void {
  if (event.type === 'note') console.error(event.text);
}
