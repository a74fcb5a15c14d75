/**
 * Figures for people. Everything inside has one unit; these functions are the only place where a unit is chosen.
 *
 * Three significant digits at most: a histogram has no more, and a reader needs no more.
 */
import type { PoolSpec, RatePoint, ReadingSpec } from '../scenario.ts';

/** Microseconds as '840 µs', '1.23 ms', '2.4 s', '3 min 24 s', '2 h 5 min'. */
export function formatUs(us: number): string {
  if (us === 0) return '0 ms';
  if (us < 999.5) return `${significant(us)} µs`;
  if (us < 999_500) return `${significant(us / 1000)} ms`;
  if (us < 119_500_000) return `${significant(us / 1_000_000)} s`;
  return formatMinutes(Math.round(us / 1_000_000));
}

/** Milliseconds, as `formatUs`. */
export function formatMs(ms: number): string {
  return formatUs(ms * 1000);
}

function formatMinutes(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const [large, small] =
    minutes < 60
      ? [`${minutes} min`, unlessZero(seconds % 60, 's')]
      : [`${formatCount(Math.floor(minutes / 60))} h`, unlessZero(minutes % 60, 'min')];
  return large + small;
}

function unlessZero(value: number, unit: string): string {
  return value === 0 ? '' : ` ${value} ${unit}`;
}

/** Events a second: '1,000/s', '14.2/s', '0.33/s'; of a few a second, two digits say enough. */
export function formatRate(perSecond: number): string {
  return `${significant(perSecond, perSecond < 10 ? 2 : 3)}/s`;
}

/** Bytes in powers of 1024, as pg_size_pretty counts but with the unit's proper name: '2.62 GiB'. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${significant(value)} ${units[unit]}`;
}

/** A whole number with thousands separators: '10,300,000'. */
export function formatCount(count: number): string {
  return withSeparators(Math.round(count));
}

/** A share in [0, 1] as '0.42 %'. Only nothing is '0 %' and only everything is '100 %'. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.01) return '<0.01 %';
  if (percent > 99.99 && percent < 100) return '>99.99 %';
  // Near 100 % the digits that matter are those of the rest.
  if (percent > 90 && percent < 100) return `${trim(percent.toFixed(percent > 99 ? 2 : 1))} %`;
  return `${significant(percent, 2)} %`;
}

/** How many times larger: '412x', '1.9x', '0.08x'. */
export function formatRatio(ratio: number): string {
  return `${significant(ratio, 2)}x`;
}

/** A count and its noun: '1 error', '2 errors'. */
export function formatPlural(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** The points of a changing rate: '1 at 0 %, 3 at 100 %'. */
export function describeShape(shape: readonly RatePoint[]): string {
  return shape.map(({ at, rate }) => `${significant(rate)} at ${formatShare(at)}`).join(', ');
}

/** What is special about a pool: '2 connections kept open, 500 ms to get one'. */
export function describePool({ min, idleTimeoutMs, connectionTimeoutMs }: PoolSpec): string {
  return [
    ...(min === undefined ? [] : [`${formatPlural(min, 'connection')} kept open`]),
    ...(idleTimeoutMs === undefined ? [] : [`others closed after ${formatMs(idleTimeoutMs)}`]),
    ...(connectionTimeoutMs === undefined ? [] : [`${formatMs(connectionTimeoutMs)} to get one`]),
  ].join(', ');
}

/** An instant as '2026-11-20 23:05 UTC'. */
export function formatInstant(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** Up to `digits` significant digits, never in exponent form; a whole part is never cut below the unit. */
function significant(value: number, digits = 3): string {
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  const decimals = Math.max(0, digits - 1 - magnitude);
  if (decimals === 0) return withSeparators(Math.round(value));
  return trim(value.toFixed(Math.min(decimals, 6)));
}

function trim(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

function withSeparators(whole: number): string {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A reading in its unit. */
export function formatReading(value: number, unit: ReadingSpec['unit']): string {
  return readingFormats[unit](value);
}

const readingFormats: Record<ReadingSpec['unit'], (value: number) => string> = {
  ms: formatMs,
  s: (seconds) => formatMs(seconds * 1000),
  rows: formatCount,
  count: formatCount,
  bytes: formatBytes,
  share: formatShare,
};
