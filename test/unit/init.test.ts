/** What `init` finds in a project, and what it writes for a table. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CatalogueColumn, CatalogueTable } from '../../src/init/catalogue.ts';
import { allowedValues, earlierColumn } from '../../src/init/checks.ts';
import { describeProject, findMigrations } from '../../src/init/project.ts';
import { seedSource } from '../../src/init/seed-source.ts';
import { seedTables } from '../../src/init/table-seed.ts';
import { createCatalog } from '../../src/seed/catalog.ts';
import type { SeedSpec } from '../../src/seed/define.ts';

const column = (name: string, base: string, more: Partial<CatalogueColumn> = {}) => ({
  name,
  sqlName: name,
  type: base,
  base,
  isArray: false,
  maxLength: null,
  precision: null,
  scale: null,
  labels: null,
  notNull: true,
  hasDefault: false,
  isGenerated: false,
  ...more,
});
const table = (
  name: string,
  columns: CatalogueTable['columns'],
  more: Partial<CatalogueTable> = {},
): CatalogueTable => ({
  name,
  sqlName: name,
  isPartitioned: false,
  columns,
  primaryKey: [columns[0]!.name],
  unique: [],
  foreignKeys: [],
  checks: [],
  indexed: [],
  ...more,
});
const codes = (tables: CatalogueTable[], name: string) =>
  Object.fromEntries(
    seedTables(tables)
      .find((one) => one.table.name === name)!
      .columns.map((one) => [one.name, one.code]),
  );

const keyed = (name: string, other: string) =>
  table(name, [column('id', 'int4'), column('other', 'int4', { notNull: false })], {
    foreignKeys: [{ columns: ['other'], table: other, references: ['id'] }],
  });

describe('the project', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgrehearse-project-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function write(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  }

  test.for<[string, Record<string, string>, string, string]>([
    [
      'Flyway',
      { 'src/main/resources/db/migration/V1__a.sql': 'SELECT 1' },
      'src/main/resources/db/migration',
      'flyway',
    ],
    ['Prisma', { 'prisma/migrations/1_a/migration.sql': 'SELECT 1' }, 'prisma/migrations', 'prisma'],
    ['dbmate', { 'db/migrations/1_a.sql': '-- migrate:up\nSELECT 1' }, 'db/migrations', 'dbmate'],
    [
      'golang-migrate without every down file',
      { 'migrations/000001_a.up.sql': 'SELECT 1', 'node_modules/x/001_b.up.sql': '', 'test/fixtures/1_c.up.sql': '' },
      'migrations',
      'golang-migrate',
    ],
  ])('finds the migrations of %s', async ([, files, path, format]) => {
    await write(files);
    expect(await findMigrations(folder, {})).toMatchObject({ folder: join(folder, path), format });
  });

  test('has none where there is no more than a dump', async () => {
    await write({ 'backup/2026-01-01.sql': 'SELECT 1', 'sql/queries.sql': 'SELECT 1' });
    expect(await findMigrations(folder, {})).toBeUndefined();
  });

  test('names all folders where there are several, and takes the one that is named', async () => {
    await write({ 'a/V1__a.sql': 'SELECT 1', 'b/V1__b.sql': 'SELECT 1' });
    await expect(findMigrations(folder, {})).rejects.toThrow('There are migrations in 2 folders:\n- a\n- b');
    expect((await findMigrations(folder, { migrations: 'b' }))?.migrations).toHaveLength(1);
  });

  test.for<[string | undefined, string, string]>([
    ['{ "name": "@acme/Shop API", "type": "module" }', 'shop-api', '.ts'],
    ['{ "name": "shop" }', 'shop', '.mts'],
  ])('%s has the name %s and files in %s', async ([manifest, name, extension]) => {
    await write({ 'package.json': manifest! });
    expect(await describeProject(folder)).toMatchObject({ name, extension, packageFolder: folder });
  });
});

describe('a table', () => {
  test.for<[string, Partial<CatalogueColumn>, string]>([
    ['email', { base: 'text' }, 'text`user-${serial()}@example.com`'],
    ['price', { base: 'numeric', precision: 4, scale: 2 }, 'decimal(0, 99, 2)'],
    [
      'price',
      { base: 'numeric', precision: 10, scale: 2 },
      'logNormal({ median: 50, sigma: 1, min: 0, max: 999_999, decimals: 2 })',
    ],
    ['total_cents', { base: 'int4' }, 'logNormal({ median: 2_000, sigma: 1, min: 0, max: 1_000_000 })'],
    ['size', { base: 'int2' }, 'uniform(500, 10_000)'],
    ['labels', { base: 'text', isArray: true }, "oneOf([[], ['red'], ['red', 'green'], ['green', 'blue', 'large']])"],
    ['note', { base: 'varchar', maxLength: 30 }, 'faked((faker) => faker.lorem.paragraph().slice(0, 30))'],
    ['token', { base: 'bpchar', maxLength: 8 }, 'hex(4)'],
    ['code', { base: 'bpchar', maxLength: 2 }, 'faked((faker) => faker.string.alpha(2))'],
    ['is_deleted', { base: 'bool', notNull: false }, 'nullable(0.1, chance(0.05))'],
    [
      'marks',
      { base: 'int4', isArray: true },
      'list([uniform(1, 1_000), uniform(1, 1_000), uniform(1, 1_000)], uniform(0, 3))',
    ],
    ['mood', { base: 'mood', labels: ['so', "it's"] }, "oneOf(['so', 'it\\'s'])"],
  ])('%s of %j is made by %s', ([name, type, code]) => {
    expect(codes([table('t', [column('id', 'int8'), column(name, 'text', type)])], 't')[name]).toBe(code);
  });

  test.for<[number | null, string]>([
    [null, 'text`slug-${serial()}`'],
    [12, 'text`slu-${serial()}`'],
    [9, 'text`${serial({ from: 100_000_000 })}`'],
    [3, 'text`${serial({ from: 100 })}`'],
  ])('a unique text of %s characters is made by %s', ([maxLength, code]) => {
    const unique = table('t', [column('id', 'int8'), column('slug', 'varchar', { maxLength })], { unique: [['slug']] });
    expect(codes([unique], 't')['slug']).toBe(code);
  });

  test('is one row for each parent where keys alone are unique, and has fixed rows where few values are', () => {
    const users = table('users', [column('id', 'uuid')]);
    const roles = table('roles', [column('id', 'role', { labels: ['a', 'b'] })]);
    const members = table('members', [column('user_id', 'uuid'), column('role_id', 'role')], {
      primaryKey: ['user_id', 'role_id'],
      foreignKeys: [
        { columns: ['user_id'], table: 'users', references: ['id'] },
        { columns: ['role_id'], table: 'roles', references: ['id'] },
      ],
    });
    const seeds = seedTables([members, roles, users]);
    expect(seeds.map(({ table: { name }, rows, fixed, parent }) => [name, rows, fixed, parent])).toEqual([
      ['roles', 2, true, undefined],
      ['users', 10_000, false, undefined],
      ['members', 10_000, false, 'users'],
    ]);
    expect(codes([members, roles, users], 'members')).toEqual({
      user_id: "parent('id')",
      role_id: "reference('roles', 'id', zipfian(0.8))",
    });
  });

  test('may refer to itself, and in a circle', () => {
    expect(codes([keyed('a', 'a')], 'a')['other']).toBe("nullable(0.2, reference('a', 'id', zipfian(0.8)))");
    expect(seedTables([keyed('a', 'b'), keyed('b', 'a')]).map(({ notes }) => notes)).toEqual([[], []]);
  });

  test.for<[string, object]>([
    ["CHECK ((state = ANY (ARRAY['a'::text, 'it''s'::text])))", { list: ['a', "it's"] }],
    [
      "CHECK (((state)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
      { list: ['a', 'b'] },
    ],
    ['CHECK ((state = ANY (ARRAY[1, 2])))', { list: [1, 2] }],
    ['CHECK (((state >= 1) AND (state <= 5)))', { min: 1, max: 5 }],
    ["CHECK ((state > '-3'::integer))", { min: -2 }],
    ['CHECK (((state > 0) OR (state = -1)))', {}],
    ['CHECK ((char_length(state) > 3))', {}],
  ])('%s allows %j', ([definition, allowed]) => {
    const checks = [{ columns: ['state'], definition }];
    expect(allowedValues(table('t', [column('state', 'text')], { checks }), 'state')).toEqual(allowed);
  });

  test('a check of two columns puts one behind the other', () => {
    const checks = [{ columns: ['a', 'b'], definition: 'CHECK ((a < b))' }];
    const both = table('t', [column('a', 'timestamptz'), column('b', 'timestamptz')], { checks });
    expect([earlierColumn(both, 'a'), earlierColumn(both, 'b')]).toEqual([undefined, 'a']);
  });
});

test('the written source of a seed is a seed: every type and every name has values, and the unique ones differ', async () => {
  const names = ['email', 'price', 'status', 'token', 'born', 'latitude', 'updated_at', 'percent', 'is_active', 'x'];
  const bases = [
    'int2',
    'int4',
    'int8',
    'numeric',
    'float8',
    'text',
    'varchar',
    'bpchar',
    'bool',
    'uuid',
    'date',
    'timestamptz',
  ];
  const others = ['json', 'jsonb', 'inet', 'citext', 'timestamp', 'float4'];
  const tables = [...bases, ...others].map((base) => {
    const ofBase = names.flatMap((name) => [
      column(name, base),
      column(`${name}_list`, base, { isArray: true }),
      column(`${name} unique`, base, { maxLength: 12 }),
    ]);
    const unique = ofBase.map(({ name }) => name).filter((name) => name.endsWith('unique'));
    return table(`of-${base}`, [column('id', 'int8'), ...ofBase], { unique: unique.map((name) => [name]) });
  });
  const source = seedSource(seedTables(tables), { asOf: '2026-01-01T00:00:00Z', migrations: 'm' });
  // Beside the sources, where the import of the package leads to them.
  const folder = await mkdtemp(join(import.meta.dirname, '../fixtures/init-'));
  try {
    await writeFile(join(folder, 'seed.ts'), source);
    const { seed } = (await import(join(folder, 'seed.ts'))) as { seed: SeedSpec };
    const catalog = createCatalog(seed, { seed: 1, scale: 1 });
    for (const [name, { columns }] of Object.entries(seed.tables)) {
      const rows = Math.min(50, catalog.rows(name));
      for (const key of Object.keys(columns)) {
        const values = Array.from({ length: rows }, (_, row) => JSON.stringify(catalog.cell(name, key, row)));
        expect(
          values.every((value) => value !== undefined && value !== 'null'),
          `${name}.${key}`,
        ).toBe(true);
        if (key.endsWith('unique') && !/bool|json|inet/.test(name))
          expect(new Set(values).size, `${name}.${key}`).toBe(rows);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
