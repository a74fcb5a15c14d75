/** Money that balances: amounts of the rows of one parent that add up exactly, in units of the last decimal. */
import { Batch } from '../batch.ts';
import type { Column } from '../define.ts';
import { unit } from '../random.ts';
import type { Lane } from '../random.ts';
import { bindNumbers, numberColumn, structureOf } from './part.ts';
import type { Part } from './part.ts';
import { parentOf } from './references.ts';

/** Digits after the point, default 2. The column's type must keep as many. */
interface MoneyOptions {
  decimals?: number;
}

/**
 * The row's portion of a total that the rows of one parent share: their portions add up to it exactly, and each is between
 * nothing and twice the mean. The total must be the same for all of them: a column of the parent.
 *
 * @example lines: { childrenOf: { table: 'orders', ... }, columns: { amount: portion(parent('total')) } }
 */
export function portion(total: Part<number>, { decimals = 2 }: MoneyOptions = {}): Column<number> {
  return numberColumn(['portion', structureOf(total), decimals], (scope) => {
    const { grouping } = parentOf(scope);
    const totals = bindNumbers(total, scope, 'total');
    const lane = scope.lane();
    const factor = 10 ** decimals;
    return (batch, out) => {
      const wanted = totals(batch);
      for (let at = 0; at < batch.count; at++) {
        const row = batch.rows[at]!;
        const place = grouping.placeOf(row);
        const size = grouping.sizeOf(grouping.groupOf(row));
        const units = Math.round(wanted[at]! * factor);
        const from = cut(lane, row, place, size, units);
        out[at] = (cut(lane, row + 1, place + 1, size, units) - from) / factor;
      }
    };
  });
}

/**
 * Where a total is cut before the portion at a place: at equal distances, each moved by less than half of one. So a portion
 * needs two draws however many siblings it has, and neighbours agree about the cut between them.
 */
function cut(lane: Lane, row: number, place: number, size: number, units: number): number {
  if (place === 0) return 0;
  if (place === size) return units;
  return Math.round((units * (place + unit(lane, row) - 0.5)) / size);
}

/**
 * Amounts that add up to zero over the rows of one parent, as the entries of one booking do: all but the last are drawn from
 * `amount`, and the last takes the rest. A parent with one row gets 0.
 *
 * @example entries: { childrenOf: { table: 'bookings', counts: [[2, 90], [3, 10]] }, columns: { amount: balanced(uniform(-500, 500)) } }
 */
export function balanced(amount: Part<number>, { decimals = 2 }: MoneyOptions = {}): Column<number> {
  return numberColumn(['balanced', structureOf(amount), decimals], (scope) => {
    const { grouping } = parentOf(scope);
    const amounts = bindNumbers(amount, scope, 'amount');
    const others = new Batch(grouping.largestSize);
    const factor = 10 ** decimals;
    return (batch, out) => {
      const drawn = amounts(batch);
      for (let at = 0; at < batch.count; at++) {
        const row = batch.rows[at]!;
        const before = grouping.placeOf(row);
        const isLast = before === grouping.sizeOf(grouping.groupOf(row)) - 1;
        const units = isLast
          ? -unitsOf(amounts, others.consecutive(row - before, before), factor)
          : drawn[at]! * factor;
        // Adding 0 makes 0 of -0.
        out[at] = Math.round(units) / factor + 0;
      }
    };
  });
}

/** Sum of a batch's amounts, each rounded as it is stored. */
function unitsOf(amounts: (batch: Batch) => Float64Array, batch: Batch, factor: number): number {
  const drawn = amounts(batch);
  let sum = 0;
  for (let at = 0; at < batch.count; at++) sum += Math.round(drawn[at]! * factor);
  return sum;
}
