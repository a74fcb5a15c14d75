/** Instants over a range, with the rhythm of days and weeks and with growth. Whole milliseconds, as JavaScript's Date has. */
import type { Column } from '../define.ts';
import { unit } from '../random.ts';
import { bindNumbers, numberColumn, structureOf } from './part.ts';
import type { Part } from './part.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How busy the hours of the range are, relative to each other. */
export interface Rhythm {
  /** Amplitude of the daily wave, from 0 (flat, default) to 1 (no traffic twelve hours from the peak). */
  daily?: number;
  /** Hour (UTC) of the daily peak, default 14. */
  peakHour?: number;
  /** Traffic of Saturdays and Sundays relative to working days, default 1. */
  weekend?: number;
  /** Growth from day to day: 0.05 is 5 % a day. Default 0. */
  growthPerDay?: number;
  /** Only the last so many days grow; default all. */
  growthDays?: number;
}

export interface TimestampOptions extends Rhythm {
  /** Length of the range, which ends at the seed's as-of instant. */
  days: number;
  /** The range ends so long before the as-of instant; default 0. */
  endsMsBefore?: number;
  /** Later rows have later instants, as in a table that is only appended to. Default false: any row, any instant. */
  inRowOrder?: boolean;
}

/** Instants over the days up to the seed's as-of instant. */
export function timestamp(options: TimestampOptions): Column<Date> {
  const bind: Parameters<typeof numberColumn>[1] = (scope) => {
    const lane = scope.lane();
    const rows = scope.table.rows;
    const place = quantileOf(scope.asOfMs - (options.endsMsBefore ?? 0), options);
    const { inRowOrder = false } = options;
    return (batch, out) => {
      for (let at = 0; at < batch.count; at++) {
        const row = batch.rows[at]!;
        out[at] = place(inRowOrder ? (row + unit(lane, row)) / rows : unit(lane, row));
      }
    };
  };
  return numberColumn<Date>(['timestamp', options], bind, 'instant');
}

/** The seed's as-of instant. */
export function asOf(): Column<Date> {
  return numberColumn<Date>(
    ['asOf'],
    (scope) =>
      ({ count }, out) => {
        out.fill(scope.asOfMs, 0, count);
      },
    'instant',
  );
}

/** So many milliseconds after another instant; with `cap`, never after the seed's as-of instant. */
export function after(instant: Part<Date>, delayMs: Part<number>, { cap = false } = {}): Column<Date> {
  const bind: Parameters<typeof numberColumn>[1] = (scope) => {
    const starts = bindNumbers(instant, scope, 'instant');
    const delays = bindNumbers(delayMs, scope, 'delay');
    const latest = cap ? scope.asOfMs : Infinity;
    return (batch, out) => {
      const [start, delay] = [starts(batch), delays(batch)];
      for (let at = 0; at < batch.count; at++) {
        const end = start[at]! + delay[at]!;
        out[at] = end > latest ? latest : end;
      }
    };
  };
  return numberColumn<Date>(['after', structureOf(instant), structureOf(delayMs), cap], bind, 'instant');
}

/** Slices of the range that have an intensity of their own. */
const slicesPerDay = 96;
/** Knots of the quantile function: fine enough that linear interpolation between them keeps the daily wave. */
const knotsPerDay = 288;

/** The quantile function of the range: share of the rows to instant, monotone. */
function quantileOf(endMs: number, options: TimestampOptions): (share: number) => number {
  const startMs = endMs - options.days * dayMs;
  const cumulative = cumulate(startMs, options);
  const sliceMs = dayMs / slicesPerDay;
  const knots = Math.max(1, Math.ceil(options.days * knotsPerDay));
  const instants = new Float64Array(knots + 2);
  let slice = 0;
  for (let knot = 0; knot <= knots; knot++) {
    const share = knot / knots;
    while (slice < cumulative.length - 2 && cumulative[slice + 1]! < share) slice++;
    const within = (share - cumulative[slice]!) / (cumulative[slice + 1]! - cumulative[slice]!);
    instants[knot] = Math.min(startMs + (slice + within) * sliceMs, endMs);
  }
  instants[knots + 1] = instants[knots]!;
  return (share) => {
    const place = share * knots;
    const knot = place | 0;
    const from = instants[knot]!;
    return Math.floor(from + (instants[knot + 1]! - from) * (place - knot));
  };
}

/** Share of the traffic before the start of each slice; 1 at the end. */
function cumulate(startMs: number, options: TimestampOptions): Float64Array {
  const slices = Math.max(1, Math.ceil(options.days * slicesPerDay));
  const cumulative = new Float64Array(slices + 1);
  for (let slice = 0; slice < slices; slice++) {
    cumulative[slice + 1] = cumulative[slice]! + intensity(startMs, slice + 0.5, options);
  }
  const total = cumulative[slices]!;
  return cumulative.map((sum) => sum / total);
}

function intensity(startMs: number, slice: number, options: TimestampOptions): number {
  const { daily = 0, peakHour = 14, weekend = 1, growthPerDay = 0, growthDays = options.days } = options;
  const instant = startMs + (slice * dayMs) / slicesPerDay;
  const hour = (instant % dayMs) / hourMs;
  const wave = 1 + daily * Math.cos(((hour - peakHour) / 24) * 2 * Math.PI);
  const weekday = new Date(instant).getUTCDay();
  const week = weekday === 0 || weekday === 6 ? weekend : 1;
  const grownDays = Math.max(0, slice / slicesPerDay - (options.days - growthDays));
  return wave * week * (1 + growthPerDay) ** grownDays;
}
