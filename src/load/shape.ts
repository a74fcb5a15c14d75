/** A rate that changes: arrivals of an even load moved in time, by inversion of the cumulative rate. */
import type { RatePoint } from '../scenario.ts';

/** Between two points the rate is a straight line. Instants and shares of the arrivals count from 0 to 1. */
interface Piece {
  at: number;
  width: number;
  /** Relative rates at both ends. */
  from: number;
  to: number;
  /** Arrivals due by the end of the piece, in relative units. */
  dueByEnd: number;
}

/**
 * The inverse of the cumulative rate: at which share of the time has the given share (from 0 up to, but not, 1) of the arrivals been due?
 * Applied to the arrivals of an even Poisson process it gives the Poisson process of the changing rate (E. Cinlar, Introduction to
 * Stochastic Processes, 1975, section 4.7), and it moves each arrival without changing their number or order: what an arrival is
 * stays the same under every shape.
 */
export function inverseOfShape(shape: readonly RatePoint[]): (share: number) => number {
  const pieces = piecesOf(shape);
  const total = pieces.at(-1)!.dueByEnd;
  return (share) => {
    const due = share * total;
    const number = pieces.findIndex(({ dueByEnd }) => due < dueByEnd);
    const piece = pieces.at(number)!;
    const before = pieces[number - 1]?.dueByEnd ?? 0;
    return piece.at + widthFor(due - before, piece);
  };
}

/** Is anything due in the course of it? */
export function hasArrivals(shape: readonly RatePoint[]): boolean {
  return shape.length > 0 && piecesOf(shape).at(-1)!.dueByEnd > 0;
}

/** The rate is flat before the first point and after the last. */
function piecesOf(shape: readonly RatePoint[]): Piece[] {
  const ends = [{ at: 0, rate: shape[0]!.rate }, ...shape, { at: 1, rate: shape.at(-1)!.rate }];
  let dueByEnd = 0;
  return ends.slice(1).map(({ at: end, rate: to }, number) => {
    const { at, rate: from } = ends[number]!;
    const width = end - at;
    dueByEnd += (width * (from + to)) / 2;
    return { at, width, from, to, dueByEnd };
  });
}

/** Solves from * x + slope / 2 * x^2 = due for x, in the form that does not cancel. */
function widthFor(due: number, { from, to, width }: Piece): number {
  if (due <= 0) return 0;
  const slope = (to - from) / width;
  // Rounding may take the root below zero, or the answer beyond the piece, where the rate ends in zero.
  return Math.min(width, (2 * due) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * due))));
}
