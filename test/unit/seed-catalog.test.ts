import { describe, expect, test } from 'vitest';
import {
  column,
  combine,
  compute,
  createCatalog,
  defineSeed,
  parent,
  seedDigest,
  serial,
  uniform,
  UsageError,
  uuid,
  when,
  type Column,
  type SeedSpec,
} from 'pgrehearse';

const now = '2026-11-01T00:00:00Z';

function spec(generator: Column): SeedSpec {
  return defineSeed({ asOf: now, tables: { t: { rows: 300, columns: { c: generator } } } });
}

function digest(seed: SeedSpec, number = 1, scale = 1): string {
  return seedDigest(seed, { seed: number, scale });
}

/** The function's text is the same for every step. */
function multiples(step: number): string {
  return digest(spec(compute(({ row }) => row * step)));
}

describe('catalog and digest', () => {
  test('the digest changes with anything that shapes the rows, and with nothing else', () => {
    const first = digest(spec(uniform(1, 6)));
    expect(digest(spec(uniform(1, 6)))).toBe(first);
    const others = [
      digest(spec(uniform(1, 7))),
      digest(spec(uniform(1, 6)), 2),
      digest(spec(uniform(1, 6)), 1, 0.5),
      digest(spec(compute(({ row }) => row))),
      digest(spec(compute(({ row }) => row + 1))),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
  });

  test('a function that behaves differently changes the digest, though its source is the same', () => {
    expect(multiples(2)).not.toBe(multiples(3));
  });

  test('scale, fixed and minimum rows', () => {
    const seed = defineSeed({
      asOf: now,
      tables: {
        big: { rows: 1_000, columns: { c: serial() } },
        small: { rows: 1_000, minimumRows: 100, columns: { c: serial() } },
        kinds: { rows: 4, fixed: true, columns: { c: serial() } },
        children: { childrenOf: { table: 'big', counts: [[2, 1]] }, columns: { c: serial() } },
      },
    });
    const counts = (scale: number): number[] => {
      const catalog = createCatalog(seed, { seed: 1, scale });
      return catalog.tables().map((table) => catalog.rows(table));
    };
    expect(counts(1)).toEqual([1_000, 1_000, 4, 2_000]);
    expect(counts(0.01)).toEqual([10, 100, 4, 20]);
    expect(counts(3)).toEqual([3_000, 3_000, 4, 6_000]);
  });

  test.each<[string, (catalog: ReturnType<typeof createCatalog>) => unknown, string]>([
    ['table', (catalog) => catalog.rows('tt'), 'has no table tt'],
    ['column', (catalog) => catalog.cell('t', 'd', 0), 'has no column d'],
    ['row', (catalog) => catalog.cell('t', 'c', 300), 'has no row 300: it has 300 rows'],
  ])('an unknown %s is named', (_, ask, message) => {
    expect(() => ask(createCatalog(spec(serial()), { seed: 1, scale: 1 }))).toThrow(message);
  });

  test('all faults of a definition are told at once', () => {
    expect(() =>
      defineSeed({
        asOf: 'yesterday',
        tables: {
          a: { rows: -1, columns: {} },
          b: { childrenOf: { table: 'c', counts: [[1.5, 1]] }, columns: {} },
        },
      }),
    ).toThrow(/yesterday.*table a: rows.*parent table c.*childrenOf.counts/);
    const broken = defineSeed({
      asOf: now,
      tables: {
        t: {
          rows: 1,
          columns: {
            a: column('b'),
            b: column('a'),
            c: combine(['d'], (d) => d),
            e: when('f', serial()),
            f: uuid(),
            g: parent('x'),
          },
        },
      },
    });
    const bind = (): unknown => createCatalog(broken, { seed: 1, scale: 1 });
    expect(bind).toThrow(UsageError);
    expect(bind).toThrow(/t\.a: .*depends on itself.*t\.c: .*no column d.*t\.e: numbers.*t\.g: table t has no parent/);
  });
});
