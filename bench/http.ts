/**
 * What generators say of one service that answers nobody for a tenth of every second. Where requests come whether or not the last was answered,
 * a tenth of them arrives in a stall, and p95 is half its length. A closed loop asks each stall once for each connection and counts
 * thousands of fast answers between: its p95 knows of no stall. In turns, on the same connections' number; wrk where it is installed.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { closedLoop } from '../src/http/closed-loop.ts';
import { drawerOf } from '../src/http/scenario.ts';
import { openService } from '../src/http/service.ts';
import { runBlock } from '../src/load/engine.ts';
import type { BenchResult } from './main.ts';
import scenario from './scenarios/stalling.ts';

const scenarioFile = fileURLToPath(new URL('./scenarios/stalling.ts', import.meta.url));
const ratePerSecond = 500;
const connections = 50;
const stage = 'only';

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const durationMs = quick ? 5_000 : 20_000;
  const folder = await mkdtemp(join(tmpdir(), 'pgrehearse-bench-'));
  try {
    await using service = await openService({ spec: scenario.http.service, stage, folder, cacheDir: folder });
    return await compare(service.origin, folder, durationMs);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compare(origin: string, folder: string, durationMs: number): Promise<BenchResult> {
  const open = await openLoopP95Ms(origin, folder, durationMs);
  const closed = await closedLoop({
    stage,
    origin,
    requests: scenario.http.requests,
    drawer: drawerOf(scenario, { seed: 1, scale: 1 }),
    connections,
    durationMs,
    timeoutMs: 5_000,
  });
  const wrk = await wrkP99Ms(origin, durationMs);
  const figures = {
    [`ours, open loop at ${ratePerSecond}/s: p95 ms`]: open.p95Ms,
    [`ours, open loop at ${ratePerSecond}/s: p99 ms`]: open.p99Ms,
    'autocannon, closed loop: p95 ms': closed.p95Us / 1000,
    'autocannon, closed loop: p99 ms': closed.p99Us / 1000,
    [`autocannon at ${ratePerSecond}/s, corrected: p97.5 ms`]: await ratedP97Ms(origin, durationMs, false),
    [`autocannon at ${ratePerSecond}/s, not corrected: p97.5 ms`]: await ratedP97Ms(origin, durationMs, true),
    ...(wrk === undefined ? {} : { 'wrk, closed loop: p99 ms': wrk }),
  };
  return { ratios: { 'p95, open loop / closed loop': open.p95Ms / (closed.p95Us / 1000) }, figures };
}

async function openLoopP95Ms(
  origin: string,
  folder: string,
  durationMs: number,
): Promise<{ p95Ms: number; p99Ms: number }> {
  const block = await runBlock({
    origin,
    scenarioFile,
    stage,
    id: stage,
    blockNumber: 0,
    seed: 1,
    scale: 1,
    load: { ratePerSecond, arrivals: 'poisson', durationMs, warmupMs: 1000, connections, statementTimeoutMs: 5_000 },
    slo: { percentile: 95, limitMs: 50 },
    samplesPath: join(folder, 'samples.bin'),
  });
  const { p95Us, p99Us } = block.total.response;
  return { p95Ms: p95Us / 1000, p99Ms: p99Us / 1000 };
}

/** As autocannon does it with a rate: a burst at the start of each second. */
async function ratedP97Ms(origin: string, durationMs: number, ignoreCoordinatedOmission: boolean): Promise<number> {
  const { latency } = await autocannon({
    url: origin,
    connections,
    duration: durationMs / 1000,
    overallRate: ratePerSecond,
    ignoreCoordinatedOmission,
  });
  return latency.p97_5;
}

/** wrk prints p50, p75, p90 and p99 under --latency. */
async function wrkP99Ms(origin: string, durationMs: number): Promise<number | undefined> {
  const options = ['-t', '1', '-c', `${connections}`, '-d', `${durationMs / 1000}s`, '--latency', `${origin}/`];
  const output = await promisify(execFile)('wrk', options).catch((error: Error) => {
    console.error(`Skipping wrk: ${error.message.split('\n')[0]}`);
    return undefined;
  });
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(output?.stdout ?? '') ?? [];
  if (value === undefined) return undefined;
  return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'];
}
