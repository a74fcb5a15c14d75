/** How often the gates err: simulated comparisons with a known truth, told as shares. The figures of docs/method.md. */
import { naiveAlarms, noises, outcomes, stallAlarms } from '../test/unit/simulation.ts';
import type { BenchResult } from './main.ts';

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const runs = quick ? 100 : 2000;
  const figures: BenchResult['figures'] = { runs };
  for (const [name, noise] of Object.entries(noises)) {
    for (const change of [1, 1.1, 1.2, 1.3, 1.5]) {
      const found = outcomes(noise, runs, { change });
      figures[`${name}, true ratio ${change}: fail %`] = (found.fail / runs) * 100;
      figures[`${name}, true ratio ${change}: pass %`] = (found.pass / runs) * 100;
    }
    figures[`${name}: alarms of one after the other, 10 % threshold, %`] = naiveAlarms(noise, runs) * 100;
  }
  const everywhere = { before: 0.2, twin: 0.2, after: 0.2 };
  figures['stalls on all sides alike: fail %'] = stallAlarms(runs, { slow: everywhere }) * 100;
  figures['a stall in 20 s, 30 pairs: fail %'] = stallAlarms(runs, { slow: { after: 0.15 } }) * 100;
  figures['a stall in 20 s, 60 pairs: fail %'] = stallAlarms(runs, { slow: { after: 0.15 }, pairs: 60 }) * 100;
  return { ratios: {}, figures };
}
