/** `pgrehearse init`, and the first run of what it wrote. */
import { mkdir, readFile, readdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse, projectRoot } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let cache: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  cache = join(temporary.path, 'cache');
});
afterAll(() => temporary[Symbol.asyncDispose]());

async function project(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(temporary.path, name);
  await mkdir(folder);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** The first run as a user gives it, and its result. */
async function firstRun(folder: string, scenario: string) {
  const flags = ['--quick', '--scale', '0.1', '--duration', '1s', '--preset', 'none', '--out', 'result'];
  const { exitCode, stderr } = await pgrehearse(['run', scenario, ...flags], cache, { cwd: folder });
  // On a busy machine the generator may be late or the margin too close: then the run must say so, never pass.
  expect([0, 3, 4], String(stderr)).toContain(exitCode);
  return readResult(join(folder, 'result'));
}

describe('in an empty folder', () => {
  it('writes what the first run needs, and the first run works', async () => {
    const folder = await project('shop', {});
    const { exitCode, stdout, stderr } = await pgrehearse(['init', '--dir', folder], cache);
    expect(exitCode, String(stderr)).toBe(0);
    expect(stdout).not.toContain('needs your hand');
    expect(stdout).toContain(`Next: cd ${folder} && npx pgrehearse run shop --quick`);
    // As npm links a dependency: imports and `npx pgrehearse` find this installation.
    expect(await realpath(join(folder, 'node_modules/.bin/pgrehearse'))).toBe(join(projectRoot, 'bin/pgrehearse.js'));
    const result = await firstRun(folder, 'shop');
    expect(result.status).toBe('complete');
    expect(result.stages.map(({ applied }) => applied.map(({ version }) => version))).toEqual([[], ['002']]);
    expect(result.answers).toMatchObject([{ transaction: 'list_orders', different: 0 }]);
    const after = result.blocks.at(-1)!;
    expect(after.counts).toMatchObject({ failed: 0, timedOut: 0 });
    expect(after.transactions.map(({ name }) => name)).toEqual(['list_orders', 'update_orders']);
  });

  it('overwrites nothing the second time', async () => {
    const folder = join(temporary.path, 'shop');
    const paths = ['package.json', 'pgrehearse.config.ts', 'load/shop.ts', 'load/shop-seed.ts'];
    const texts = () => Promise.all(paths.map((path) => readFile(join(folder, path), 'utf8')));
    await writeFile(join(folder, 'load/shop-seed.ts'), `${(await texts())[3]!}\n// mine\n`);
    const before = await texts();
    const { exitCode, stdout } = await pgrehearse(['init'], cache, { cwd: folder });
    expect(exitCode).toBe(0);
    expect(await texts()).toEqual(before);
    expect(stdout).not.toContain('wrote');
    for (const path of paths.slice(1)) expect(stdout).toContain(`kept   ${path}, which was there`);
  });

  it('runs with the settings of a postgresql.conf that a stage names', async () => {
    const folder = join(temporary.path, 'shop');
    await writeFile(join(folder, 'production.conf'), "temp_buffers = '7MB' # as in production\nport = 6543\n");
    const scenario = await readFile(join(folder, 'load/shop.ts'), 'utf8');
    const sql = "SELECT 1 WHERE current_setting('temp_buffers') <> '7MB'";
    const invariant = `invariants: { buffers: { description: 'as asked', sql: ${JSON.stringify(sql)}, stages: ['after'] } },`;
    const edited = scenario
      .replace('    seed,\n', `    seed,\n    ${invariant}\n`)
      .replace(/(name: 'after'.*)profile: 'stock'/, "$1profile: 'production.conf'");
    await writeFile(join(folder, 'load/shop.ts'), edited);
    const result = await firstRun(folder, './load/shop.ts');
    expect(result.invariants.map(({ stage, holds }) => [stage, holds])).toEqual([
      ['after', true],
      ['after', true],
    ]);
    expect(result.stages[1]!.settings).toContainEqual({
      name: 'temp_buffers',
      value: '7MB',
      reason: 'set by the profile "production.conf"',
      source: 'production.conf, line 1',
    });
    expect(result.stages[1]!.settings.map(({ name }) => name)).not.toContain('port');
  });
});

/** Of every type that a seed writes, and of every way in which rows depend on each other. */
const tables = `
CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER');
CREATE DOMAIN cents AS integer CHECK (value >= 0);
CREATE TABLE "User" (
  id serial PRIMARY KEY, email varchar(40) NOT NULL, "fullName" text, role "Role" NOT NULL DEFAULT 'USER',
  "invitedBy" integer REFERENCES "User" (id), country char(2), "createdAt" timestamptz(3) NOT NULL DEFAULT now(), "updatedAt" timestamp(3),
  last_ip inet, born date, settings jsonb NOT NULL DEFAULT '{}', tags text[] NOT NULL DEFAULT '{}', search tsvector
);
CREATE UNIQUE INDEX ON "User" (lower(email));
CREATE TABLE profile (user_id integer PRIMARY KEY REFERENCES "User" (id), bio text, rating smallint CHECK (rating BETWEEN 1 AND 5));
CREATE TABLE tenant (id uuid PRIMARY KEY, slug varchar(12) NOT NULL UNIQUE, code char(3) NOT NULL UNIQUE);
CREATE TABLE product (
  tenant_id uuid NOT NULL REFERENCES tenant (id), sku text NOT NULL, price numeric(10, 2) NOT NULL CHECK (price > 0),
  cost cents NOT NULL, weight double precision, active boolean NOT NULL, status text NOT NULL CHECK (status IN ('draft', 'it''s live')),
  name_length integer GENERATED ALWAYS AS (length(sku)) STORED, PRIMARY KEY (tenant_id, sku)
);
CREATE TABLE "order" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id integer NOT NULL REFERENCES "User" (id),
  tenant_id uuid NOT NULL REFERENCES tenant (id), sku text NOT NULL,
  starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, CHECK (ends_at > starts_at), quantity int NOT NULL CHECK (quantity > 0),
  payload bytea, FOREIGN KEY (tenant_id, sku) REFERENCES product (tenant_id, sku)
);
CREATE INDEX ON "order" (user_id);
CREATE TABLE tag (id smallserial PRIMARY KEY, "group" text NOT NULL);
CREATE TABLE order_tag (order_id bigint NOT NULL REFERENCES "order" (id), tag_id smallint NOT NULL REFERENCES tag (id), PRIMARY KEY (order_id, tag_id));
CREATE TABLE reading (device_id uuid NOT NULL, at timestamptz NOT NULL, value real, UNIQUE (device_id, at));`;

describe('in a project with migrations of Prisma', () => {
  const lock = { 'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n' };

  it('derives a seed that fits every table, and the first run works', async () => {
    const folder = await project('service', {
      ...lock,
      'package.json': '{ "name": "@acme/Order Service" }',
      'prisma/migrations/20260101120000_init/migration.sql': tables,
      'prisma/migrations/20260102120000_more/migration.sql': '-- AlterTable\nALTER TABLE "order" ADD COLUMN note text;',
    });
    const { exitCode, stdout, stderr } = await pgrehearse(['init', '--dir', folder], cache);
    expect(exitCode, String(stderr)).toBe(0);
    expect(stdout).toContain('2 migrations in prisma/migrations (prisma): 8 tables.');
    expect(stdout).not.toContain('needs your hand');
    const result = await firstRun(folder, 'order-service');
    expect(result.status).toBe('complete');
    expect(result.seed!.tables.map(({ name }) => name).toSorted()).toEqual([
      'User',
      'order',
      'order_tag',
      'product',
      'profile',
      'reading',
      'tag',
      'tenant',
    ]);
    expect(result.blocks.at(-1)!.counts).toMatchObject({ failed: 0, timedOut: 0 });
    expect((await readdir(join(folder, 'prisma/migrations'))).toSorted()).toEqual([
      '20260101120000_init',
      '20260102120000_more',
      'migration_lock.toml',
    ]);
  });

  it('tells what a seed cannot write', async () => {
    const folder = await project('odd', {
      ...lock,
      'prisma/migrations/1_a/migration.sql':
        'CREATE TABLE shift (id int PRIMARY KEY, long interval NOT NULL, name text);',
    });
    const { exitCode, stdout } = await pgrehearse(['init'], cache, { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('shift: long is interval, which a seed cannot write, and it must not be null');
  });

  it('refuses tables that nothing can be read from', async () => {
    const folder = await project('keyless', {
      ...lock,
      'prisma/migrations/1_a/migration.sql': 'CREATE TABLE note (text text);',
    });
    const { exitCode, stderr } = await pgrehearse(['init'], cache, { cwd: folder });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('make no table with a primary key');
    expect(await readdir(folder)).toEqual(['prisma']);
  });
});
