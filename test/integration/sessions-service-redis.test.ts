/** The sessions service with its cache in Redis: shared, killed, stopped and woken. Answers stay right; only times may differ. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RedisStore } from '../../scenarios/sessions/service/redis-store.ts';
import type { LocalServer } from '../../src/server/server.ts';
import {
  asking,
  databaseUrl,
  openService,
  startSeededServer,
  token,
  walletNumber,
} from './sessions-service-fixture.ts';
import { hasProgram } from './programs.ts';
import { temporaryFolder } from './postgres.ts';

const available = await hasProgram('redis-server');
const why = available ? '' : ' (skipped: there is no redis-server on PATH)';

let server: LocalServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let socket: string;
let redis: ChildProcess;

/** Listens on a socket only, and keeps nothing on disk. */
async function startRedis(): Promise<void> {
  const settings = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder.path];
  redis = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = Promise.withResolvers<void>();
  redis.stdout!.on('data', (text: Buffer) => {
    if (/ready to accept/i.test(text.toString())) ready.resolve();
  });
  await ready.promise;
}

async function killRedis(): Promise<void> {
  const exit = once(redis, 'exit');
  redis.kill('SIGKILL');
  await exit;
}

const open = (env: Record<string, string> = {}) =>
  openService(databaseUrl(server, 'last'), { CACHE: 'redis', REDIS_URL: socket, ...env });

const storeOf = (databaseId: string) => new RedisStore(socket, databaseId, () => undefined);

const cacheState = async (service: FastifyInstance) => (await asking(service)('GET /health')).body.cache;
const becomes = (service: FastifyInstance, state: 'up' | 'down') =>
  vi.waitFor(async () => expect(await cacheState(service)).toBe(state), { timeout: 10_000, interval: 50 });

describe.skipIf(!available)(`with Redis${why}`, () => {
  beforeAll(async () => {
    folder = await temporaryFolder();
    socket = join(folder.path, 'redis.sock');
    await startRedis();
    server = await startSeededServer();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await killRedis();
    await folder[Symbol.asyncDispose]();
  });

  it('what one instance writes the others see at once', async () => {
    await using one = await open();
    await using other = await open();
    const url = `/users/${walletNumber(1)}`;
    for (const ensName of ['first.eth', 'second.eth', 'third.eth']) {
      await asking(one)(`PUT ${url}`, { ensName });
      expect(await asking(one)(`GET ${url}`)).toMatchObject({ body: { ensName } });
      expect(await asking(other)(`GET ${url}`)).toMatchObject({ body: { ensName } });
    }
    expect(other.parts.monitor.statements.of('user_profile').figures().calls).toBe(0);
    const { kinds, store } = (await asking(other)('GET /database/cache-stats')).body;
    expect(kinds).toContainEqual(expect.objectContaining({ kind: 'user', lookups: 3, hits: 3, hitShare: 1 }));
    expect(store).toMatchObject({ usable: true, bytes: expect.any(Number) });
    expect(store.bytes).toBeGreaterThan(100_000);
  });

  it('keeps no answer that a write of another instance has overtaken', async () => {
    const [one, other] = [storeOf('a-database'), storeOf('a-database')];
    await one.open();
    await other.open();
    const { ticket } = await one.get('user:late');
    await other.delete(['user:late']);
    await one.set('user:late', '"old"', 60_000, ticket);
    expect((await one.get('user:late')).text).toBeUndefined();
    const again = await one.get('user:late');
    await one.set('user:late', '"new"', 60_000, again.ticket);
    expect((await other.get('user:late')).text).toBe('"new"');
    expect(await other.clear()).toBe(1);
    await Promise.all([one.close(), other.close()]);
  });

  it('keeps the answers of two databases apart', async () => {
    await using one = await open();
    await using other = await openService(databaseUrl(server, 'first'), { CACHE: 'redis', REDIS_URL: socket });
    const url = `/users/${walletNumber(7)}`;
    await asking(one)(`PUT ${url}`, { ensName: 'only-here.eth' });
    expect(await asking(one)(`GET ${url}`)).toMatchObject({ status: 200 });
    expect(await asking(other)(`GET ${url}`)).toMatchObject({ status: 404 });
  });

  it('counts the requests of a wallet over all instances', async () => {
    await using one = await open({ RATE_LIMIT_PER_MINUTE: '2' });
    await using other = await open({ RATE_LIMIT_PER_MINUTE: '2' });
    const statuses: number[] = [];
    for (const service of [one, other, one]) {
      statuses.push((await asking(service)('POST /auth/nonces', { address: walletNumber(2) })).status);
    }
    expect(statuses).toEqual([201, 201, 429]);
  });

  it('empties the cache of all instances', async () => {
    await using one = await open();
    await using other = await open();
    await asking(one)(`GET /users/${walletNumber(3)}`);
    const cleared = await asking(other)('POST /database/cache/clear', undefined, { authorization: `Bearer ${token}` });
    expect(cleared.body.cleared).toBeGreaterThan(0);
    await asking(one)(`GET /users/${walletNumber(3)}`);
    expect(one.parts.monitor.statements.of('user_profile').figures().calls).toBe(2);
  });

  it('goes on without a Redis that is killed, with right answers, and uses the next one', async () => {
    await using service = await open();
    const ask = asking(service);
    const url = `/users/${walletNumber(4)}`;
    const writeAndRead = async (ensName: string) => {
      expect(await ask(`PUT ${url}`, { ensName })).toMatchObject({ status: 200 });
      expect(await ask(`GET ${url}`)).toMatchObject({ status: 200, body: { ensName } });
    };
    await writeAndRead('before.eth');
    const killed = killRedis();
    for (let write = 0; write < 50; write++) await writeAndRead(`name-${write}.eth`);
    await killed;
    await becomes(service, 'down');
    expect(await ask('GET /health')).toMatchObject({ status: 200, body: { status: 'degraded', database: 'up' } });
    await writeAndRead('without.eth');
    await startRedis();
    await becomes(service, 'up');
    await writeAndRead('after.eth');
    const before = service.parts.monitor.statements.of('user_profile').figures().calls;
    await ask(`GET ${url}`);
    expect(service.parts.monitor.statements.of('user_profile').figures().calls).toBe(before);
  });

  it('reads nothing from before the time in which Redis did not answer', async () => {
    await using service = await open();
    const ask = asking(service);
    const url = `/users/${walletNumber(5)}`;
    await ask(`PUT ${url}`, { ensName: 'old.eth' });
    await ask(`GET ${url}`);
    redis.kill('SIGSTOP');
    try {
      // A command about something else is the first that fails: none about the profile waits in the socket for Redis to wake.
      expect(await ask(`GET /users/${walletNumber(50)}`)).toMatchObject({ status: 404 });
      expect(await cacheState(service)).toBe('down');
      expect(await ask(`PUT ${url}`, { ensName: 'new.eth' })).toMatchObject({ status: 200 });
      expect(await ask(`GET ${url}`)).toMatchObject({ body: { ensName: 'new.eth' } });
    } finally {
      redis.kill('SIGCONT');
    }
    await becomes(service, 'up');
    expect(await ask(`GET ${url}`)).toMatchObject({ body: { ensName: 'new.eth' } });
  });

  it('starts without Redis, and finds it later', async () => {
    await killRedis();
    await using service = await open();
    expect(await asking(service)(`GET /users/${walletNumber(6)}`)).toMatchObject({ status: 404 });
    expect(await cacheState(service)).toBe('down');
    await startRedis();
    await becomes(service, 'up');
  });
});
