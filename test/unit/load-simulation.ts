/** Blocks of the drive loop in simulated time. */
import { drive, saturated } from '../../src/load/drive.ts';
import type { DriveOptions, DriveProgress, DriveResult } from '../../src/load/drive.ts';
import { summarise } from '../../src/load/recorder.ts';
import type { BlockRecord } from '../../src/load/recorder.ts';
import { LookRounds, SaturationJudge } from '../../src/load/saturation.ts';
import { createSamples } from '../../src/load/samples.ts';
import type { Samples } from '../../src/load/samples.ts';
import { buildSchedule, stripe } from '../../src/load/schedule.ts';
import type { Block } from '../../src/result.ts';
import { FakeExecutor, FakeTime } from './load-fakes.ts';
import type { ServerBehaviour } from './load-fakes.ts';

interface Setting extends Partial<DriveOptions> {
  ratePerSecond?: number;
  pattern?: 'poisson' | 'constant';
  durationMs?: number;
  warmupMs?: number;
  server: ServerBehaviour;
  abortAtMs?: number;
  minimumUs?: number;
  backlogLimit?: number;
  /** Workers over the one schedule; the connections are each worker's. */
  workers?: number;
}

interface Outcome {
  result: DriveResult & { saturation: SaturationJudge['saturation'] };
  samples: Samples;
  executor: FakeExecutor;
  block: Block;
  /** When the loop said that nothing was under way, from the start of the block. */
  idleUs: number[];
}

/** Drives a block in simulated time, and summarises it. */
export async function simulate(setting: Setting): Promise<Outcome> {
  const { ratePerSecond = 100, durationMs = 10_000, warmupMs = 0, server, abortAtMs, workers = 1, ...rest } = setting;
  const { minimumUs = 0, backlogLimit = 100_000, onProgress, ...driving } = rest;
  const samples = createSamples(
    buildSchedule({
      seed: 1,
      blockNumber: 0,
      ratePerSecond,
      arrivals: setting.pattern ?? 'constant',
      durationMs: warmupMs + durationMs,
      transactions: [{ name: 'only', weight: 1 }],
    }),
  );
  const time = new FakeTime();
  const startUs = time.nowUs() + 1000;
  const executor = new FakeExecutor(time, startUs, server);
  const abort = new AbortController();
  if (abortAtMs !== undefined) time.at(startUs + abortAtMs * 1000, () => abort.abort());
  const judge = new SaturationJudge({
    warmupUs: warmupMs * 1000,
    endUs: (warmupMs + durationMs) * 1000,
    minimumUs,
    backlogLimit,
  });
  const rounds = new LookRounds(workers);
  const look = (worker: number, progress: DriveProgress): void => {
    onProgress?.(progress);
    const whole = rounds.add(worker, { ...progress, nowUs: progress.elapsedUs });
    if (whole !== undefined && judge.look(whole)) abort.abort(saturated);
  };
  const drives = Array.from({ length: workers }, (_, worker) =>
    drive({
      samples,
      arrivals: stripe(samples.dueUs.length, worker, workers),
      clock: time,
      pacer: time,
      executor,
      connections: 4,
      startUs,
      warmupUs: warmupMs * 1000,
      endUs: (warmupMs + durationMs) * 1000,
      drainUs: 4_000_000,
      signal: abort.signal,
      onProgress: (progress) => look(worker, progress),
      ...driving,
    }),
  );
  const [first] = await time.until(Promise.all(drives));
  const { saturation } = judge;
  const noticed = first!.outcome === 'complete' && saturation !== undefined ? ('saturated' as const) : first!.outcome;
  const result = { ...first!, outcome: noticed, saturation };
  const record: BlockRecord = {
    id: 'block',
    stage: 'before',
    startedAt: '2026-11-01T00:00:00.000Z',
    ratePerSecond,
    plannedMs: durationMs,
    warmupMs,
    stopMs: result.stopUs / 1000,
    outcome: result.outcome,
    ...(result.saturation && {
      saturation: { atMs: result.saturation.atUs / 1000, backlog: result.saturation.backlog },
    }),
    transactions: [{ name: 'only', access: 'read' }],
    errors: [{ code: 'X', example: 'x' }],
    classes: [],
    cpuCores: 0,
    eventLoopDelayP99Us: 0,
    precedence: {},
    workers,
  };
  const block = summarise(record, samples, { percentile: 95, limitMs: 50 }, 'block.bin');
  return { result, samples, executor, block, idleUs: time.idleUs.map((us) => us - startUs) };
}

export const steady = (serviceUs: number): ServerBehaviour => ({ serviceUs: () => serviceUs });
