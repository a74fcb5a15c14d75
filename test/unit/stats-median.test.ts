import { array, assert, double, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median } from '../../src/stats/median.ts';

describe('median', () => {
  it.each([
    [[3], 3],
    [[10, 9], 9.5],
    [[10, 9, 100], 10],
    [[-1, 4, 2, 3], 2.5],
    [[], NaN],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });

  it('has as many values below as above, and leaves their order alone', () => {
    assert(
      property(array(double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 }), (values) => {
        const before = [...values];
        const middle = median(values);
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values).toEqual(before);
      }),
    );
  });
});
