/** Every way to use the command wrongly ends with its exit code and one clear sentence, before anything long starts. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pgrehearse, projectRoot, shop } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let folder: string;
let cache: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
  cache = join(folder, 'cache');
});
afterAll(() => temporary[Symbol.asyncDispose]());

/** A copy of the shop whose files a test may break. It lies in the project, so that it finds the package by name. */
async function brokenShop(name: string, mend: (text: string) => string, migration?: [file: string, text: string]) {
  const place = join(projectRoot, 'test/fixtures', `broken-${name}-${process.pid}`);
  await mkdir(place, { recursive: true });
  await cp(join(projectRoot, 'test/fixtures/shop'), join(place, 'shop'), { recursive: true });
  if (migration) await writeFile(join(place, 'shop', migration[0]), migration[1]);
  const scenario = await readFile(join(projectRoot, shop), 'utf8');
  const migrations = `test/fixtures/broken-${name}-${process.pid}/shop`;
  await writeFile(join(place, 'shop.ts'), mend(scenario.replace('test/fixtures/shop', migrations)));
  return { file: join(place, 'shop.ts'), [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }) };
}

describe('wrong use ends with exit code 2', () => {
  it.each([
    { what: 'an unknown flag', args: ['run', '--sclae', '1'], says: "unknown option '--sclae'" },
    { what: 'an unknown command', args: ['rnu'], says: "unknown command 'rnu'" },
    { what: 'a bad number', args: ['run', '--scale', 'big'], says: 'Give a number above 0.' },
    { what: 'a duration without unit', args: ['run', '--duration', '60'], says: 'Give a number and a unit' },
    { what: 'no connections', args: ['run', shop, '--connections', '0'], says: 'connections' },
    { what: 'too short a run', args: ['run', shop, '--duration', '10ms'], says: 'at least one second' },
    {
      what: 'more arrivals than a block holds',
      args: ['run', shop, '--duration', '10h', '--rate', '9000'],
      says: 'a block holds',
    },
    { what: 'an unknown scenario', args: ['run', 'webhoks'], says: 'There is no scenario webhoks.' },
    { what: 'a missing scenario file', args: ['run', './nowhere.ts'], says: 'There is no scenario file' },
    { what: 'a misspelt stage', args: ['run', shop, '--stages', 'befor'], says: 'has no stage befor' },
    { what: 'a missing config file', args: ['run', shop, '--config', 'none.ts'], says: 'There is no config file' },
    { what: 'a result that is not there', args: ['report', 'nowhere'], says: 'nowhere' },
  ])('$what', async ({ args, says }) => {
    const { exitCode, stderr } = await pgrehearse(args, cache);
    expect(stderr).toContain(says);
    expect(exitCode).toBe(2);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('a scenario file with a syntax error', async () => {
    await using broken = await brokenShop('syntax', (text) => `${text}\n}`);
    const { exitCode, stderr } = await pgrehearse(['run', broken.file], cache);
    expect(stderr).toContain('cannot be loaded');
    expect(exitCode).toBe(2);
  });

  it('a scenario with several faults, told at once', async () => {
    await using broken = await brokenShop('faults', (text) =>
      text.replace('weight: 3', 'weight: -3').replace("profile: 'stock' }", "profile: 'stock', migratoins: '1' }"),
    );
    const { exitCode, stderr } = await pgrehearse(['run', broken.file], cache);
    expect(stderr).toContain('workload.transactions.open_orders.weight');
    expect(stderr).toContain('migratoins');
    expect(exitCode).toBe(2);
  });

  it('broken SQL in a statement of the scenario, with a marker', async () => {
    await using broken = await brokenShop('statement', (text) =>
      text.replace('FROM orders WHERE', 'FORM orders WHERE'),
    );
    const { exitCode, stderr } = await pgrehearse(['run', broken.file], cache);
    expect(stderr).toContain('transactions.open_orders.orders');
    expect(stderr).toMatch(/\^/);
    expect(exitCode).toBe(2);
  });

  it('broken SQL in a migration, with file, line and marker', async () => {
    const text = 'SELECT 1;\n\nCREATE INDX oops ON orders (id);\n';
    await using broken = await brokenShop('migration', (text) => text, ['002_order_index.up.sql', text]);
    const { exitCode, stderr } = await pgrehearse(['run', broken.file], cache);
    expect(stderr).toContain('002_order_index.up.sql:3');
    expect(stderr).toMatch(/\^/);
    expect(exitCode).toBe(2);
  });

  it('a stage whose migration does not exist, and a profile that nobody knows, told at once', async () => {
    await using broken = await brokenShop('names', (text) =>
      text
        .replace("migrations: '002', profile: 'stock'", "migrations: '007', profile: 'stock'")
        .replace("'001', profile: 'stock'", "'001', profile: 'stokc'"),
    );
    const { exitCode, stderr } = await pgrehearse(['run', broken.file], cache);
    expect(stderr).toContain('there is no migration 007');
    expect(stderr).toContain('stokc');
    expect(exitCode).toBe(2);
  });
});

describe('a failing world ends with exit code 5', () => {
  it('a port that is taken', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as { port: number };
    const { exitCode, stderr } = await pgrehearse(['run', shop, '--port', String(port)], cache);
    listener.close();
    expect(stderr).toContain(`Port ${port}`);
    expect(exitCode).toBe(5);
  });

  it('a disk without enough room', async () => {
    const { exitCode, stderr } = await pgrehearse(['run', shop, '--scale', '100000'], cache);
    expect(stderr).toMatch(/needs [\d.,]+ [TGM]B in .*, where [\d.,]+ [TGM]B are free/);
    expect(exitCode).toBe(5);
  });

  it('a folder that cannot be written', async () => {
    const { exitCode, stderr } = await pgrehearse(['run', shop, '--out', '/dev/null/report'], cache);
    expect(stderr).toContain('/dev/null/report cannot be written');
    expect(exitCode).toBe(5);
  });

  it('a cache folder that cannot be written', async () => {
    const { exitCode, stderr } = await pgrehearse(['seed', shop], '/dev/null/cache');
    expect(stderr).toContain('/dev/null/cache cannot be written');
    expect(exitCode).toBe(5);
  });
});

it('help teaches with examples, for every command', async () => {
  for (const command of [[], ['run'], ['seed'], ['migrate'], ['snapshot'], ['doctor'], ['report']]) {
    const { exitCode, stdout } = await pgrehearse([...command, '--help'], cache);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Example');
  }
});
