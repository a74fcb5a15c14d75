/** A password that a URL has is nowhere in what commands print and leave behind: neither as it is, nor as the URL has it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withClient } from '../../src/database.ts';
import type { LocalServer } from '../../src/server/server.ts';
import { pgrehearse, shop } from './command.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const password = 'hunter2/hunter3:p@ss';
const encoded = encodeURIComponent(password);
const parts = [password, encoded, 'hunter2', 'hunter3'];

let server: LocalServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let url: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startTestServer({ max_connections: 60 });
  const { host, port } = server.loopbackConnection('postgres');
  url = `postgres://rehearser:${encoded}@${host}:${port}/postgres`;
  await withClient(server.connection('postgres'), (client) =>
    client.query(`CREATE ROLE rehearser LOGIN CREATEDB PASSWORD '${password}'`),
  );
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** Runs a command; its output has no password in it, whatever happened. */
async function told(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ exitCode: number | undefined; text: string }> {
  const { exitCode, stdout, stderr } = await pgrehearse(args, join(folder.path, 'cache'), {
    env: { PGREHEARSE_CACHE: join(folder.path, 'cache'), NO_COLOR: '1', ...env },
  });
  const text = `${String(stdout)}\n${String(stderr)}`;
  for (const part of parts) expect(text).not.toContain(part);
  return { exitCode, text };
}

/** Every file below a folder, raw samples and the like included. */
async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

it('is neither printed nor stored by a run and what is made of its result', async () => {
  const out = join(folder.path, 'out');
  const run = await told([
    'run',
    shop,
    '--scale',
    '0.1',
    '--duration',
    '5s',
    '--preset',
    'none',
    '--server',
    url,
    '--out',
    out,
  ]);
  expect(run.text).toContain('open_orders');
  expect(run.exitCode).toBeLessThan(5);
  for (const args of [
    ['report', out],
    ['gate', out],
    ['gate', out, '--json'],
    ['trend', folder.path],
    ['snapshot', 'list', '--server', url],
  ]) {
    await told(args);
  }
  const files = [...(await filesOf(out)), ...(await filesOf(join(folder.path, 'cache')).catch(() => []))];
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) {
    const content = await readFile(file, 'latin1');
    for (const part of parts) expect(content.includes(part), file).toBe(false);
  }
});

const wrong: [what: string, change: (url: string) => string][] = [
  ['with another role', (right) => right.replace('rehearser:', 'nobody:')],
  ['of a server that is not there', (right) => right.replace(/:\d+\/postgres$/, ':1/postgres')],
  ['of a database that is not there', (right) => right.replace(/postgres$/, 'nowhere')],
  ['with a port that is none', (right) => right.replace(/:\d+\/postgres$/, ':port/postgres')],
  ['of another protocol', (right) => right.replace('postgres:', 'mysql:')],
  ['with a setting that is none', (right) => `${right}?sslmode=perhaps`],
];

it.each(wrong)('is not in the error of a URL %s, nor in its stack', async (_what, change) => {
  const seed = ['seed', shop, '--server', change(url)];
  const all = await Promise.all([told([...seed, '--verbose']), told([...seed, '--json'])]);
  for (const { exitCode } of all) expect([2, 5]).toContain(exitCode);
});
