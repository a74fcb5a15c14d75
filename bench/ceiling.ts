/** The load engine alone, against a server that answers and does nothing: what the generator costs, and how far it goes. */
import { measureCeiling } from '../src/load/ceiling.ts';
import type { BenchResult } from './main.ts';

/** What the engine is meant to reach at least, in transactions a second for each core that it uses. */
const targetPerCore = 30_000;

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const { ceilingPerSecond, perCorePerSecond, latenessP50Us, latenessP99Us, latenessCpuCores } = await measureCeiling({
    stepMs: quick ? 1000 : 3000,
  });
  return {
    ratios: { 'per core / target': perCorePerSecond / targetPerCore },
    figures: {
      'ceiling of one worker, transactions/s': ceilingPerSecond,
      'per core, transactions/s': perCorePerSecond,
      'lateness p50 us at 1,000/s': latenessP50Us,
      'lateness p99 us at 1,000/s': latenessP99Us,
      'CPU cores at 1,000/s': latenessCpuCores,
    },
  };
}
