/** Values out of a fixed list. */
import { UsageError } from '../../errors.ts';
import type { Fill } from '../batch.ts';
import { choiceCells, numberCells } from '../cells.ts';
import { eitherCells, withNulls } from '../conditional.ts';
import { asNumbers } from '../convert.ts';
import type { Column } from '../define.ts';
import { below, bits, unit } from '../random.ts';
import { aliasSampler } from '../sampling.ts';
import type { Scope } from '../scope.ts';
import { bindNumbers, bindPart, structureOf } from './part.ts';
import type { Part } from './part.ts';

/** The same value in every row. */
export function constant<const T>(value: T): Column<T> {
  return choiceColumn(['constant', value], [value], () => ({ count }, out) => {
    out.fill(0, 0, count);
  });
}

/** One of the values, each equally likely. */
export function oneOf<const T>(values: readonly T[]): Column<T> {
  return choiceColumn(['oneOf', values], values, (scope) => {
    const lane = scope.lane();
    return ({ rows, count }, out) => {
      for (let at = 0; at < count; at++) out[at] = below(lane, rows[at]!, values.length);
    };
  });
}

/** One of the values, in proportion to its weight: `weighted([['paid', 92], ['open', 7], [null, 1]])`. */
export function weighted<const T>(choices: readonly (readonly [value: T, weight: number])[]): Column<T> {
  const values = choices.map(([value]) => value);
  return choiceColumn(['weighted', choices], values, (scope) => {
    const lane = scope.lane();
    const sample = aliasSampler(Float64Array.from(choices, ([, weight]) => weight));
    return ({ rows, count }, out) => {
      for (let at = 0; at < count; at++) out[at] = sample(unit(lane, rows[at]!));
    };
  });
}

/** The values in row order, again from the first after the last. */
export function inTurn<const T>(values: readonly T[]): Column<T> {
  return choiceColumn(['inTurn', values], values, () => ({ rows, count }, out) => {
    for (let at = 0; at < count; at++) out[at] = rows[at]! % values.length;
  });
}

/**
 * The value at the index that another column gives: several columns that tell the same story share one latent index.
 * Null where the index is null or outside the list.
 *
 * @example success: byIndex([true, false, false], 'outcome'), error: byIndex([null, 'HTTP 500', 'timeout'], 'outcome')
 */
export function byIndex<const T>(values: readonly T[], index: Part<number>): Column<T> {
  return choiceColumn(['byIndex', values, structureOf(index)], values, (scope) => {
    const places = bindNumbers(index, scope, 'index');
    return (batch, out) => {
      const chosen = places(batch);
      for (let at = 0; at < batch.count; at++)
        out[at] = chosen[at]! >= 0 && chosen[at]! < values.length ? chosen[at]! : -1;
    };
  });
}

/** Null in the given share of rows, else the other generator's value. */
export function nullable<T>(share: number, part: Part<T>): Column<T | null> {
  return {
    structure: ['nullable', share, structureOf(part)],
    bind(scope) {
      const lane = scope.lane();
      const limit = share * 2 ** 32;
      const isNull = numberCells('boolean', ({ rows, count }, out) => {
        for (let at = 0; at < count; at++) out[at] = bits(lane, rows[at]!) >>> 0 < limit ? 1 : 0;
      });
      return withNulls(bindPart(part, scope, 'part'), (batch) => isNull.numbers(batch));
    },
  };
}

/** The first part where the condition is true, else the second (default null). A null condition counts as false. */
export function when<T, U = null>(condition: Part<boolean>, then: Part<T>, otherwise?: Part<U>): Column<T | U> {
  return {
    structure: [
      'when',
      structureOf(condition),
      structureOf(then),
      otherwise === undefined ? null : structureOf(otherwise),
    ],
    bind(scope) {
      const test = asNumbers(bindPart(condition, scope, 'condition'));
      const first = bindPart(then, scope, 'then');
      if (otherwise !== undefined) return eitherCells(test, first, bindPart(otherwise, scope, 'otherwise'));
      const isFalse = numberCells('boolean', (batch, out) => {
        const truth = test.numbers(batch);
        for (let at = 0; at < batch.count; at++) out[at] = truth[at]! > 0 ? 0 : 1;
      });
      return withNulls(first, (batch) => isFalse.numbers(batch));
    },
  };
}

function choiceColumn<T>(
  structure: unknown,
  choices: readonly T[],
  bind: (scope: Scope) => Fill<Int32Array>,
): Column<T> {
  return {
    structure,
    bind: (scope) => {
      if (choices.length === 0) throw new UsageError('the list of values is empty');
      return choiceCells(choices, bind(scope));
    },
  };
}
