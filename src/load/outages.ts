/** Stretches in which arrivals failed: when they began, and how long it took until none failed any more. */
import { Fate } from './samples.ts';
import type { Samples } from './samples.ts';

/** A stretch in which arrivals failed, at least a tenth of those that were due. */
export interface Outage {
  /** When the first arrival that failed was due, from the start of the measured time. */
  offsetMs: number;
  /** From there to the end of the last that failed: the time that it took to recover. */
  durationMs: number;
  failed: number;
  /** Arrivals that were due meanwhile. */
  scheduled: number;
  /** Later arrivals succeeded. */
  recovered: boolean;
}

/** After so long without a failure a stretch is over. */
const quietUs = 1_000_000;
/** Fewer than these, or a smaller share of what was due meanwhile, are errors such as every system has. */
const leastFailures = 5;
const leastShare = 0.1;

/**
 * Outages among counted arrivals (numbers, in the order of their due times). One that failed counts from when it was due to when it
 * ended: a server that hangs before it refuses is away from the first arrival on that it left without an answer.
 *
 * @param startUs end of the warm-up, from the start of the block
 */
export function outagesOf(samples: Samples, counted: Uint32Array, startUs: number): Outage[] {
  return stretchesOf(samples, counted).flatMap(({ fromUs, toUs, failed }) => {
    const dueMeanwhile = (arrival: number): boolean =>
      samples.dueUs[arrival]! >= fromUs && samples.dueUs[arrival]! <= toUs;
    const scheduled = counted.filter(dueMeanwhile).length;
    if (failed < leastFailures || failed < leastShare * scheduled) return [];
    const recovered = counted.some((arrival) => samples.dueUs[arrival]! > toUs && isAnswered(samples, arrival));
    return [{ offsetMs: (fromUs - startUs) / 1000, durationMs: (toUs - fromUs) / 1000, failed, scheduled, recovered }];
  });
}

interface Stretch {
  fromUs: number;
  toUs: number;
  failed: number;
}

function stretchesOf({ dueUs, endUs, fate }: Samples, counted: Uint32Array): Stretch[] {
  const stretches: Stretch[] = [];
  for (const arrival of counted) {
    if (fate[arrival] !== Fate.failed && fate[arrival] !== Fate.timedOut) continue;
    const fromUs = dueUs[arrival]!;
    const toUs = fromUs + endUs[arrival]!;
    const current = stretches.at(-1);
    if (current === undefined || fromUs - current.toUs > quietUs) {
      stretches.push({ fromUs, toUs, failed: 1 });
      continue;
    }
    current.toUs = Math.max(current.toUs, toUs);
    current.failed++;
  }
  return stretches;
}

function isAnswered({ fate }: Samples, arrival: number): boolean {
  return fate[arrival] === Fate.succeeded;
}
