/** An estimate for more rows: the fit, its interval, its words. */
import { assert as check, double, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { project, studentQuantile } from '../../src/live-migration/projection.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { liveMigration } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

const sizes = [1000, 1000, 1000, 3000, 3000, 3000, 10_000, 10_000, 10_000];

describe('project', () => {
  it('finds a power law again, without an interval where nothing scatters', () => {
    check(
      property(
        double({ min: 0.001, max: 10, noNaN: true }),
        double({ min: 0, max: 2, noNaN: true }),
        integer({ min: 1000, max: 2 ** 31 }),
        (factor, power, rows) => {
          const runs = sizes.map((size) => ({ rows: size, durationMs: factor * size ** power }));
          const { exponent, estimateMs, lowMs, highMs } = project(runs, rows);
          expect(exponent).toBeCloseTo(power, 6);
          expect(Math.abs(Math.log(estimateMs / (factor * rows ** power)))).toBeLessThan(1e-6);
          expect(Math.abs(Math.log(highMs / lowMs))).toBeLessThan(1e-6);
        },
      ),
    );
  });

  it('agrees with a regression done by hand, and widens with the distance', () => {
    // ln rows 0, 1, 2; ln ms 1, 2, 4: slope 1.5, intercept 5/6, residual variance 1/6 at one degree of freedom.
    const runs = [1, 2, 4].map((y, x) => ({ rows: Math.exp(x), durationMs: Math.exp(y) }));
    const near = project(runs, Math.exp(1));
    expect(near.exponent).toBeCloseTo(1.5, 12);
    expect(Math.log(near.estimateMs)).toBeCloseTo(5 / 6 + 1.5, 12);
    const half = studentQuantile(0.05, 1) * Math.sqrt(1 / 6) * Math.sqrt(1 + 1 / 3);
    expect(Math.log(near.highMs) - Math.log(near.estimateMs)).toBeCloseTo(half, 12);
    const far = project(runs, Math.exp(10));
    expect(far.highMs / far.lowMs).toBeGreaterThan(near.highMs / near.lowMs);
  });
});

describe('studentQuantile', () => {
  // Published table (Abramowitz and Stegun, 26.10), one-sided 5 %.
  it.each([
    [4, 2.132],
    [7, 1.895],
    [10, 1.812],
    [30, 1.697],
  ])('of %i degrees of freedom is %f', (freedom, expected) => {
    expect(Math.abs(studentQuantile(0.05, freedom) / expected - 1)).toBeLessThan(0.01);
  });
});

describe('the report', () => {
  it('says that it is an estimate, from what, and how far away', async () => {
    const runs = sizes.map((rows) => ({ rows, durationMs: rows / 100 }));
    const projections = [{ migration: '002_x', table: 'orders', rows: 2_000_000, runs, ...project(runs, 2_000_000) }];
    const { markdown } = await renderMarkdown({
      ...buildResult(),
      liveMigration: { ...liveMigration([]), projections },
    });
    expect(markdown).toContain('## An estimate for more rows\n\nNot measured');
    expect(markdown).toMatch(
      /\| 002_x \| 1,000: 10 ms; 3,000: 30 ms; 10,000: 100 ms \| 1\.00 \| 2,000,000 of orders, 200 times as many \| about 20 s \(20 s to 20 s\) \|/,
    );
  });
});
