/** `rehearse` on a real server: the same migration alone, behind a reader, and with a lock_timeout; and one that keeps writers out. */
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import type { WorkloadSpec } from '../../src/scenario.ts';
import { pgrehearse, projectRoot } from './command.ts';
import { temporaryFolder } from './postgres.ts';
import { placesIn, rehearsed as rehearsedHere } from './rehearsed.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let folder: string;
let cache: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
  cache = join(folder, 'cache');
});
afterAll(() => temporary[Symbol.asyncDispose]());

const altered = 'test/fixtures/altered-shop.ts';
const short = ['--scale', '0.1', '--repeats', '1', '--before', '1s', '--after', '1s'];

async function rehearsed(name: string, scenario: string, ...flags: string[]) {
  const out = join(folder, name);
  const { exitCode, stdout, stderr } = await pgrehearse(
    ['rehearse', scenario, ...short, ...flags, '--out', out],
    cache,
  );
  const { liveMigration, verdict, invariants } = await readResult(out);
  expect(verdict?.exitCode).toBe(exitCode);
  const { repeats, budgets } = liveMigration!;
  return { out, exitCode, stdout, stderr, invariants, budgets, repeat: repeats[0]! };
}

/** Where the machine is busy the generator may be late, which counts first. */
const failing = [1, 4];

const waitedFor = ({ statements }: LiveRepeat): string[] => statements.flatMap(({ blockers }) => blockers);

describe('rehearse', () => {
  it('applies a harmless migration inside of the load, and tells each statement', async () => {
    const { out, repeat, invariants, budgets } = await rehearsed('alone', altered, '--max-stall', '600ms');
    expect(repeat).toMatchObject({ outcome: 'applied', retries: 0, invalidIndexes: [], unvalidatedConstraints: [] });
    expect(repeat.statements.map(({ file, line, text }) => [file, line, text])).toEqual([
      ['test/fixtures/altered-shop/002_order_note.up.sql', 1, 'ALTER TABLE orders ADD COLUMN note text'],
      ['test/fixtures/altered-shop/002_order_note.up.sql', 1, 'COMMIT'],
    ]);
    expect(repeat.impact.failed).toBe(0);
    // By the flag, by the scenario, by neither.
    expect(budgets).toMatchObject({ maxStallMs: 600, maxBlockedMs: 4000, maxLockHoldMs: 200 });
    // The load before, during and after is one schedule: about 100 arrivals a second over two seconds or more.
    const arrivals = repeat.buckets.reduce((sum, { scheduled }) => sum + scheduled, 0);
    expect(arrivals).toBeGreaterThan(150);
    expect(invariants.every(({ holds }) => holds)).toBe(true);
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('![slowest response of each tenth of a second]');
  });

  // Processes of their own for the most part, on rows that are there by now.
  describe.concurrent('after that', () => {
    it('finds that a reader in an open transaction makes the same migration stop everybody', async () => {
      const { exitCode, repeat, stdout } = await rehearsed('reader', altered, '--adversary', 'reader', '--hold', '2s');
      expect(waitedFor(repeat)).toContain('adversary: reader (idle in transaction)');
      // Nobody gets past the migration that waits for the reader: the stall lasts for most of the time that the reader stays.
      expect(repeat.impact.longestStallMs).toBeGreaterThan(1000);
      expect(repeat.queue.most).toBe(4);
      expect(failing).toContain(exitCode);
      expect(stdout).toContain('Set a short lock_timeout');
    });

    it('shows that a lock_timeout with retries spares them', async () => {
      const patience = ['--lock-timeout', '100ms', '--pause', '400ms'];
      const { repeat } = await rehearsed('patient', altered, '--adversary', 'reader', '--hold', '2s', ...patience);
      expect(repeat.outcome).toBe('applied');
      expect(repeat.retries).toBeGreaterThan(0);
      expect(repeat.statements[0]).toMatchObject({ error: 'lock timeout' });
      // Not one wait as long as the reader stays, but several short ones.
      expect(repeat.impact.longestStallMs).toBeLessThan(1500);
    });

    it('fails a migration that breaks the statements which are still running', async () => {
      const scenario = await shopWith('ALTER TABLE visits RENAME COLUMN at TO visited_at');
      const { exitCode, repeat } = await rehearsedHere(scenario, placesIn(folder)('broken'));
      expect(Object.keys(repeat.impact.errors)).toEqual(['42703']);
      expect(failing).toContain(exitCode);
    });

    it('drives no load for a migration that fails on a quiet clock already', async () => {
      const scenario = await shopWith('ALTER TABLE orders ADD CHECK (cents < 0)');
      const place = placesIn(folder)('quiet');
      await expect(rehearsedHere(scenario, place)).rejects.toThrow('SQLSTATE 23514');
      expect((await readResult(place.out)).liveMigration!.repeats).toEqual([]);
    });

    it('asks only what holds for every stage after a migration that failed under the load', async () => {
      const invariants = {
        priced: { description: 'everything costs something', sql: 'SELECT id FROM orders WHERE cents < 0' },
        noted: { description: 'no empty notes', sql: `SELECT id FROM orders WHERE note = ''`, stages: ['after'] },
      };
      const scenario = await shopWith('ALTER TABLE orders ADD COLUMN note text', { invariants });
      const done = await rehearsedHere(scenario, placesIn(folder)('unfinished'), {
        adversary: { kind: 'reader', holdMs: 1500 },
        lockWait: { timeoutMs: 100, attempts: 1, pauseMs: 100 },
      });
      expect(done.repeat).toMatchObject({ outcome: 'failed', error: expect.stringContaining('55P03') });
      expect(done.invariants.map(({ name, stage, holds }) => [name, stage, holds])).toEqual([
        ['priced', 'unfinished', true],
      ]);
      expect(failing).toContain(done.exitCode);
    });

    it('gives a migration up that takes too long under load', async () => {
      const scenario = await shopWith('SELECT pg_sleep(1.5)');
      const change = { longestMigrationMs: 300 };
      const { exitCode, repeat } = await rehearsedHere(scenario, placesIn(folder)('long'), change);
      expect(repeat).toMatchObject({ outcome: 'failed', error: 'It was given up after 300 ms.' });
      expect(failing).toContain(exitCode);
    });

    it('finds a constraint that nobody validated', async () => {
      const text = 'ALTER TABLE orders ADD CONSTRAINT positive CHECK (cents > 0) NOT VALID';
      const { repeat } = await rehearsedHere(await shopWith(text), placesIn(folder)('unvalidated'));
      expect(repeat.unvalidatedConstraints).toEqual(['orders.positive']);
    });

    it("runs the user's own command, sees its sessions in the lock queue, and tells the end of its output when it fails", async () => {
      const text = "import { Client } from 'pg'; const c = new Client(process.env.DATABASE_URL); await c.connect();";
      const alter = join(folder, 'alter.mjs');
      await writeFile(alter, `${text} await c.query('ALTER TABLE orders ADD COLUMN note text'); await c.end();`);
      const node = `"${process.execPath}"`;
      // Node has to start before the reader leaves.
      const behind = ['--adversary', 'reader', '--hold', '3s'];
      const done = await rehearsed('command', altered, '--command', `${node} ${await beside(alter)}`, ...behind);
      expect(done.repeat.outcome).toBe('applied');
      expect(waitedFor(done.repeat)).toContain('adversary: reader (idle in transaction)');
      expect(done.repeat.queue.most).toBeGreaterThan(0);

      const shout = `${node} -e "console.error(process.env.DATABASE_URL, process.env.PGPASSWORD); process.exit(3)"`;
      const failed = await rehearsed('failing-command', altered, '--command', shout);
      expect(failed.repeat).toMatchObject({ outcome: 'failed', error: expect.stringContaining('ended with code 3') });
      expect(failed.repeat.error).toContain(':***@127.0.0.1:');
      expect(failing).toContain(failed.exitCode);
    });
  });

  it('refuses stages without a migration between them before anything starts', async () => {
    const { exitCode, stderr } = await pgrehearse(['rehearse', altered, '--stages', 'after'], cache);
    expect(stderr).toContain('There is no migration between the stages');
    expect(exitCode).toBe(2);
  });
});

/** The shop whose second migration is this statement, and whose workload is changed so. */
async function shopWith(sql: string, change: Partial<WorkloadSpec> = {}): Promise<string> {
  const own = join(folder, `shop-${Math.abs(hash(sql))}`);
  await mkdir(own, { recursive: true });
  for (const direction of ['up', 'down']) {
    const baseline = await readFile(join(projectRoot, `test/fixtures/shop/001_shop.${direction}.sql`), 'utf8');
    await writeFile(join(own, `001_shop.${direction}.sql`), baseline);
    await writeFile(join(own, `002_change.${direction}.sql`), `${direction === 'up' ? sql : 'SELECT 1'};\n`);
  }
  const scenario = join(own, 'shop.mjs');
  await writeFile(
    scenario,
    `import altered from ${JSON.stringify(join(projectRoot, altered))};
     export default { ...altered, workload: { ...altered.workload, ...${JSON.stringify(change)}, migrations: ${JSON.stringify(own)} } };\n`,
  );
  return scenario;
}

function hash(text: string): number {
  return Array.from(text).reduce((sum, character) => (sum * 31 + character.codePointAt(0)!) | 0, 7);
}

/** A copy where the packages of the project are found. */
async function beside(script: string): Promise<string> {
  const copy = join(folder, 'node_modules', 'tool.mjs');
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  const link = join(folder, 'node_modules', 'pg');
  // A test that is tried again finds it there.
  await rm(link, { force: true });
  await symlink(join(projectRoot, 'node_modules', 'pg'), link);
  await copyFile(script, copy);
  return copy;
}
