import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { parseAllowance, parseSlo } from '../../src/thresholds.ts';

describe('parseSlo', () => {
  it.each([
    ['p95<50ms', 95, 50],
    ['p99.9 < 1.5s', 99.9, 1500],
    [' p50<800us ', 50, 0.8],
  ])('reads %s', (text, percentile, limitMs) => {
    expect(parseSlo(text)).toEqual({ percentile, limitMs });
  });

  it.each([
    '',
    '95<50ms',
    'p95>50ms',
    'p95<50',
    'p95<0ms',
    'p100<50ms',
    'p49<50ms',
    'p95<-1ms',
    'p95<50ms!',
    'p95<5e1ms',
  ])('refuses "%s" with the form that is expected', (text) => {
    expect(() => parseSlo(text)).toThrow(UsageError);
  });

  it('reads back what it is given', () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 99 }), fc.integer({ min: 1, max: 9999 }), (percentile, limitMs) => {
        expect(parseSlo(`p${percentile}<${limitMs}ms`)).toEqual({ percentile, limitMs });
      }),
    );
  });
});

describe('parseAllowance', () => {
  it.each([
    ['10%', 0.1],
    ['2.5 %', 0.025],
    ['0%', 0],
  ])('reads %s', (text, share) => {
    expect(parseAllowance(text)).toBeCloseTo(share, 12);
  });

  it.each(['', '10', '0.1', '-5%', '1001%', '10 percent'])('refuses "%s"', (text) => {
    expect(() => parseAllowance(text)).toThrow(UsageError);
  });
});
