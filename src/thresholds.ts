/**
 * Thresholds as people write them on a command line. The grammar:
 *
 *     slo        = "p" percentile "<" number ("us" | "ms" | "s")      p95<50ms    p99.9 < 1.5s
 *     allowance  = number "%"                                          10%         2.5 %
 */
import { UsageError } from './errors.ts';
import type { GateSpec, SloSpec } from './scenario.ts';

/** What a verdict is reached by; what is absent stays as it was. */
export interface Thresholds {
  slo?: Partial<SloSpec>;
  gate?: Partial<GateSpec>;
}

const sloPattern = /^p(\d+(?:\.\d+)?)\s*<\s*(\d+(?:\.\d+)?)\s*(us|ms|s)$/;
const unitsMs = { us: 0.001, ms: 1, s: 1000 } as const;

/**
 * "p95<50ms": 95 % of the arrivals are answered within 50 ms.
 * @throws UsageError when the text does not follow the grammar, or names a percentile outside of 50 to 99.99 or no time at all.
 */
export function parseSlo(text: string): SloSpec {
  const [, percentile, limit, unit] = sloPattern.exec(text.trim()) ?? [];
  const slo = { percentile: Number(percentile), limitMs: Number(limit) * unitsMs[unit as keyof typeof unitsMs] };
  if (slo.percentile >= 50 && slo.percentile <= 99.99 && slo.limitMs > 0) return slo;
  throw new UsageError(`"${text}" is no service level objective.`, {
    hint: "Give a percentile from 50 to 99.99 and a time in us, ms or s: 'p95<50ms'.",
  });
}

/**
 * "10%" is 0.1.
 * @throws UsageError for anything but a percentage from 0 to 1000.
 */
export function parseAllowance(text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? [];
  const share = Number(number) / 100;
  if (share >= 0 && share <= 10) return share;
  throw new UsageError(`"${text}" is no allowance.`, { hint: 'Give a percentage from 0% to 1000%: 10%.' });
}
