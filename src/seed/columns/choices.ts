/** Values out of a fixed list. */
import { UsageError } from '../../errors.ts';
import { asNumbers, asText } from '../convert.ts';
import type { Cells } from '../cells.ts';
import type { Column } from '../define.ts';
import { below, bits, unit } from '../random.ts';
import { aliasSampler } from '../sampling.ts';
import { bindPart, structureOf } from './part.ts';
import type { Part } from './part.ts';

/** The same value in every row. */
export function constant<const T>(value: T): Column<T> {
  return choiceColumn(['constant', value], [value], () => () => (value === null ? -1 : 0));
}

/** One of the values, each equally likely. */
export function oneOf<const T>(values: readonly T[]): Column<T> {
  return choiceColumn(['oneOf', values], values, (scope) => {
    const lane = scope.lane();
    return (row) => below(lane, row, values.length);
  });
}

/** One of the values, in proportion to its weight: `weighted([['paid', 92], ['open', 7], [null, 1]])`. */
export function weighted<const T>(choices: readonly (readonly [value: T, weight: number])[]): Column<T> {
  const values = choices.map(([value]) => value);
  return choiceColumn(['weighted', choices], values, (scope) => {
    const lane = scope.lane();
    const sample = aliasSampler(Float64Array.from(choices, ([, weight]) => weight));
    return (row) => sample(unit(lane, row));
  });
}

/** The values in row order, again from the first after the last. */
export function inTurn<const T>(values: readonly T[]): Column<T> {
  return choiceColumn(['inTurn', values], values, () => (row) => row % values.length);
}

/**
 * The value at the index that another column gives: several columns that tell the same story share one latent index.
 * Null where the index is null or outside the list.
 *
 * @example success: byIndex([true, false, false], 'outcome'), error: byIndex([null, 'HTTP 500', 'timeout'], 'outcome')
 */
export function byIndex<const T>(values: readonly T[], index: Part<number>): Column<T> {
  return choiceColumn(['byIndex', values, structureOf(index)], values, (scope) => {
    const place = asNumbers(bindPart(index, scope, 'index'));
    return (row) => {
      const chosen = place.number(row);
      return chosen >= 0 && chosen < values.length ? chosen : -1;
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
      return withNulls(bindPart(part, scope, 'part'), (row) => bits(lane, row) >>> 0 < limit);
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
      const isTrue = (row: number): boolean => test.number(row) > 0;
      const first = bindPart(then, scope, 'then');
      if (otherwise === undefined) return withNulls(first, (row) => !isTrue(row));
      return eitherOf(isTrue, first, bindPart(otherwise, scope, 'otherwise'));
    },
  };
}

function choiceColumn<T>(
  structure: unknown,
  choices: readonly T[],
  bind: (scope: Parameters<Column['bind']>[0]) => (row: number) => number,
): Column<T> {
  return {
    structure,
    bind: (scope) => {
      if (choices.length === 0) throw new UsageError('the list of values is empty');
      return { shape: 'choice', choices, index: nullAware(choices, bind(scope)) };
    },
  };
}

/** A null among the choices is told as -1, like every null. */
function nullAware(choices: readonly unknown[], index: (row: number) => number): (row: number) => number {
  if (!choices.includes(null)) return index;
  return (row) => {
    const chosen = index(row);
    return chosen >= 0 && choices[chosen] === null ? -1 : chosen;
  };
}

function withNulls(cells: Cells, isNull: (row: number) => boolean): Cells {
  switch (cells.shape) {
    case 'number':
      return { ...cells, number: (row) => (isNull(row) ? Number.NaN : cells.number(row)) };
    case 'choice':
      return { ...cells, index: (row) => (isNull(row) ? -1 : cells.index(row)) };
    case 'any':
      return { ...cells, value: (row) => (isNull(row) ? null : cells.value(row)) };
    case 'uuid':
    case 'text':
    case 'list': {
      const absent = cells.absent;
      return { ...cells, absent: absent === undefined ? isNull : (row) => isNull(row) || absent(row) };
    }
  }
}

function eitherOf(isFirst: (row: number) => boolean, first: Cells, second: Cells): Cells {
  if (first.shape === 'choice' && second.shape === 'choice') {
    const offset = first.choices.length;
    const index = (row: number): number => {
      if (isFirst(row)) return first.index(row);
      const other = second.index(row);
      return other < 0 ? other : offset + other;
    };
    return { shape: 'choice', choices: [...first.choices, ...second.choices], index };
  }
  if (first.shape === 'uuid' && second.shape === 'uuid') {
    return {
      shape: 'uuid',
      words: (row, words) => (isFirst(row) ? first : second).words(row, words),
      absent: (row) => (isFirst(row) ? first : second).absent?.(row) ?? false,
    };
  }
  if (first.shape === 'text' || second.shape === 'text') {
    const [a, b] = [asText(first), asText(second)];
    return {
      shape: 'text',
      json: a.json === true && b.json === true,
      append: (row, bytes) => (isFirst(row) ? a : b).append(row, bytes),
      absent: (row) => (isFirst(row) ? a : b).absent?.(row) ?? false,
    };
  }
  const [a, b] = [asNumbers(first), asNumbers(second)];
  return { shape: 'number', unit: a.unit, number: (row) => (isFirst(row) ? a.number(row) : b.number(row)) };
}
