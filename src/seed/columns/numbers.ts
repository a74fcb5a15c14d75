/** Numbers by distribution. */
import type { Column } from '../define.ts';
import { eachRow } from '../loops.ts';
import { below, bits, unit } from '../random.ts';
import type { Lane } from '../random.ts';
import { normalQuantile, tabulated } from '../sampling.ts';
import { zipfSampler } from '../zipf.ts';
import { numberColumn } from './part.ts';

/** Limits and rounding of a number. */
export interface NumberOptions {
  /** Values below are raised to it. */
  min?: number;
  /** Values above are lowered to it. */
  max?: number;
  /** Digits after the point; default 0, whole numbers. */
  decimals?: number;
}

/** Whole numbers from `from` to `to`, both included, each equally likely. */
export function uniform(from: number, to: number): Column<number> {
  return numberColumn(['uniform', from, to], (scope) => {
    const lane = scope.lane();
    const choices = to - from + 1;
    return ({ rows, count }, out) => {
      for (let at = 0; at < count; at++) out[at] = from + below(lane, rows[at]!, choices);
    };
  });
}

/** Numbers with digits after the point, uniform from `from` (included) to `to`. */
export function decimal(from: number, to: number, decimals: number): Column<number> {
  return numberColumn(['decimal', from, to, decimals], (scope) => {
    const lane = scope.lane();
    const factor = 10 ** decimals;
    const low = Math.round(from * factor);
    const choices = Math.round(to * factor) - low;
    return eachRow((row) => (low + below(lane, row, choices)) / factor);
  });
}

/** Normal (Gaussian) numbers. */
export function normal(options: NumberOptions & { mean: number; deviation: number }): Column<number> {
  const { mean, deviation } = options;
  return shaped(['normal', options], options, (probability) => mean + deviation * normalQuantile(probability));
}

/** Log-normal numbers: `sigma` is the standard deviation of the logarithm (0.5 mild, 1 long-tailed). */
export function logNormal(options: NumberOptions & { median: number; sigma: number }): Column<number> {
  const { median, sigma } = options;
  return shaped(
    ['logNormal', options],
    options,
    (probability) => median * Math.exp(sigma * normalQuantile(probability)),
  );
}

/** Exponential numbers, as waiting times are. */
export function exponential(options: NumberOptions & { mean: number }): Column<number> {
  return shaped(['exponential', options], options, (probability) => -options.mean * Math.log(1 - probability));
}

/** Whole numbers from 1 to `count` by a Zipf law: k is drawn in proportion to 1 / k^exponent. */
export function zipf(count: number, exponent: number): Column<number> {
  return numberColumn(['zipf', count, exponent], (scope) => {
    const lane = scope.lane();
    const sample = zipfSampler(count, exponent);
    return eachRow((row) => 1 + sample((attempt) => unitAt(lane, row, attempt)));
  });
}

/** True in the given share of rows. */
export function chance(probability: number): Column<boolean> {
  return numberColumn<boolean>(
    ['chance', probability],
    (scope) => {
      const lane = scope.lane();
      const limit = probability * 2 ** 32;
      return ({ rows, count }, out) => {
        for (let at = 0; at < count; at++) out[at] = bits(lane, rows[at]!) >>> 0 < limit ? 1 : 0;
      };
    },
    'boolean',
  );
}

/** The n-th uniform of a row, for samplers that may need several. */
export function unitAt(lane: Lane, row: number, attempt: number): number {
  return attempt === 0 ? unit(lane, row) : unit({ k0: lane.k0, k1: (lane.k1 + attempt * 0x9e3779b9) | 0 }, row);
}

/** Numbers by the quantile function of their distribution. */
function shaped(
  structure: unknown,
  { min = -Infinity, max = Infinity, decimals = 0 }: NumberOptions,
  exact: (probability: number) => number,
): Column<number> {
  const factor = 10 ** decimals;
  return numberColumn(structure, (scope) => {
    const lane = scope.lane();
    const quantile = tabulated(exact);
    if (decimals === 0) return eachRow((row) => Math.min(Math.max(Math.round(quantile(unit(lane, row))), min), max));
    return eachRow((row) => Math.min(Math.max(Math.round(quantile(unit(lane, row)) * factor) / factor, min), max));
  });
}
