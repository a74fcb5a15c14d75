/** The sessions service as a process: started from its sources, asked over HTTP, stopped by SIGTERM. */
import { execa } from 'execa';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { withClient } from '../../src/database.ts';
import type { LocalServer } from '../../src/server/server.ts';
import { projectRoot } from './command.ts';
import { databaseUrl, startSeededServer, walletNumber } from './sessions-service-fixture.ts';

let server: LocalServer;
beforeAll(async () => {
  server = await startSeededServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const start = (env: Record<string, string>) =>
  execa(process.execPath, ['scenarios/sessions/service/main.ts'], {
    cwd: projectRoot,
    reject: false,
    env: { PORT: '0', LOG_LEVEL: 'silent', ...env },
  });

/** Where it listens, from its first line. */
async function originOf(service: ReturnType<typeof start>): Promise<string> {
  const [line] = (await once(service.stdout, 'data')) as [Buffer];
  return /http:\/\/[\d.:]+\d/.exec(line.toString())![0];
}

const connections = () =>
  withClient(server.connection(), async (client) => {
    const { rows } = await client.query(`
      SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'sessions-service'`);
    return rows[0].open as number;
  });

it('answers what is under way when it is told to stop, and leaves nothing open', async () => {
  const service = start({ DATABASE_URL: databaseUrl(server, 'last'), CACHE: 'memory' });
  const origin = await originOf(service);
  expect(new URL(origin).hostname).toBe('127.0.0.1');
  expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({ status: 'up' });
  expect(await connections()).toBeGreaterThanOrEqual(5);
  const answer = await withClient(server.connection('last'), async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const asked = fetch(`${origin}/users/${walletNumber(1)}`);
    await vi.waitFor(async () => {
      const { rows } = await client.query('SELECT 1 FROM pg_locks WHERE NOT granted');
      expect(rows).toHaveLength(1);
    });
    service.kill('SIGTERM');
    // It takes no more, and goes on with what it has.
    await vi.waitFor(() => expect(fetch(`${origin}/health`)).rejects.toThrow('fetch failed'));
    await client.query('ROLLBACK');
    return asked;
  });
  expect(answer.status).toBe(404);
  await answer.body?.cancel();
  expect(await service).toMatchObject({ exitCode: 0, stderr: '' });
  await vi.waitFor(async () => expect(await connections()).toBe(0));
});

it.each([
  ['no database is named', {}, /DATABASE_URL/],
  ['the database is not there', { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, /takes no connection/],
])('says in one line what is wrong when %s', async (_, env, message) => {
  const { exitCode, stderr } = await start(env);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(message);
});
