/**
 * The middle of the values in order; of an even number of them, the mean of the two in the middle.
 *
 * @param values in any order; they stay as they are
 * @returns NaN where there are none
 */
export function median(values: ArrayLike<number>): number {
  return medianOfSorted(Float64Array.from(values).sort());
}

/** The same of values that are in ascending order already. */
export function medianOfSorted(sorted: Float64Array): number {
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
