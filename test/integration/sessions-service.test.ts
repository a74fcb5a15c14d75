/** The sessions service on a real database: every endpoint, writes that the next read sees, a full pool, jobs. */
import type { FastifyInstance } from 'fastify';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cleanUp, maintain } from '../../scenarios/sessions/service/jobs.ts';
import { withClient } from '../../src/database.ts';
import type { LocalServer } from '../../src/server/server.ts';
import {
  asking,
  databaseUrl,
  openService,
  seedEnd,
  startSeededServer,
  token,
  walletNumber,
} from './sessions-service-fixture.ts';

let server: LocalServer;
let service: FastifyInstance;
let ask: ReturnType<typeof asking>;

beforeAll(async () => {
  server = await startSeededServer();
  service = await openService(databaseUrl(server, 'last'), { CACHE: 'memory', POOL: 'before' });
  ask = asking(service);
});
afterAll(async () => {
  await service?.close();
  await server?.[Symbol.asyncDispose]();
});

const sql = (work: (client: Client) => Promise<unknown>, database = 'last') =>
  withClient(server.connection(database), work);

/** A call that has not ended, under an id of the test's own. */
async function startCall(id: string, a = walletNumber(1), b = walletNumber(2)) {
  expect(await ask(`PUT /sessions/${id}`, { a, b, chainId: 1 })).toMatchObject({ status: 201 });
}

const history = async (address: string) => (await ask(`GET /users/${address}/sessions`)).body.sessions;
const event = (type: string) => ({ type, payload: { sessionId: 'call-60', rtt: 12 } });
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const queries = () => service.parts.monitor.statements.of('user_profile').figures().calls;
const indexes = () => sql(async (client) => (await client.query('SELECT indexrelid FROM pg_index ORDER BY 1')).rows);

describe('sign-in', () => {
  const address = walletNumber(10);

  it('takes a nonce once', async () => {
    const issued = await ask('POST /auth/nonces', { address });
    expect(issued).toMatchObject({ status: 201, body: { expiresAt: expect.stringMatching(/^2026-11-01T00:05/) } });
    const consume = { address, nonce: issued.body.nonce };
    expect(await ask('POST /auth/nonces/consume', { ...consume, address: walletNumber(11) })).toMatchObject({
      status: 401,
    });
    expect(await ask('POST /auth/nonces/consume', consume)).toMatchObject({ status: 200, body: { address } });
    expect(await ask('POST /auth/nonces/consume', consume)).toMatchObject({ status: 401 });
  });

  it('refuses a nonce whose time is over', async () => {
    const nonce = '00000000-0000-4000-8000-000000000001';
    const expired = [address, nonce, '2026-10-31 23:59:59'];
    await sql((client) => client.query('INSERT INTO nonces (address, nonce, expires_at) VALUES ($1, $2, $3)', expired));
    expect(await ask('POST /auth/nonces/consume', { address, nonce })).toMatchObject({ status: 401 });
  });
});

describe('a profile', () => {
  it('is seen as it was written, at once, by whatever case of the address', async () => {
    const address = walletNumber(0xabc);
    expect(await ask(`GET /users/${address}`)).toMatchObject({ status: 404 });
    expect(await ask(`PUT /users/${address}`, { ensName: 'a.eth' })).toMatchObject({ status: 200 });
    const read = await ask(`GET /users/0x${address.slice(2).toUpperCase()}`);
    expect(read).toMatchObject({ status: 200, body: { address, ensName: 'a.eth', riskScore: 0 } });
    await ask(`PUT /users/${address}`, { ensName: null });
    expect(await ask(`GET /users/${address}`)).toMatchObject({ body: { ensName: null } });
  });

  it('is one query for all who ask at the same time', async () => {
    const before = queries();
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(`GET /users/${walletNumber(20)}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
    expect(queries() - before).toBe(1);
  });

  it('says how old it is', async () => {
    await ask(`GET /users/${walletNumber(21)}`);
    expect((await ask(`GET /users/${walletNumber(21)}`)).headers).toMatchObject({
      age: expect.stringMatching(/^\d+$/),
    });
  });
});

it('reads the balance of a wallet on a chain', async () => {
  const { rows } = await withClient(server.connection('last'), (client) =>
    client.query(`SELECT address, chain_id, native_balance FROM balances LIMIT 1`),
  );
  const { address, chain_id: chainId, native_balance: nativeBalance } = rows[0];
  expect(await ask(`GET /users/${address}/balances/${chainId}`)).toMatchObject({
    status: 200,
    body: { nativeBalance },
  });
  expect(await ask(`GET /users/${address}/balances/999`)).toMatchObject({ status: 404 });
});

describe('a call', () => {
  const [a, b] = [walletNumber(30), walletNumber(31)];
  const id = 'call-of-thirty';

  it('begins once, whoever asks again', async () => {
    expect(await history(a)).toEqual([]);
    expect(await ask(`POST /sessions/${id}/heartbeat`)).toMatchObject({ status: 404 });
    await startCall(id, a, b);
    expect(await ask(`PUT /sessions/${id}`, { a, b, chainId: 1 })).toMatchObject({ status: 200 });
    expect(await ask(`PUT /sessions/${id}`, { a: b, b: a, chainId: 1 })).toMatchObject({ status: 409 });
    expect(await ask('PUT /sessions/of-one', { a, b: a, chainId: 1 })).toMatchObject({ status: 400 });
  });

  it('keeps both from another match, and shows in the history of both', async () => {
    const match = await ask(`GET /matches?a=${b}&b=${walletNumber(32)}`);
    expect(match.body).toEqual({ allowed: false, blocked: false, active: [{ id, a, b }] });
    expect(await history(a)).toMatchObject([{ id, endedAt: null }]);
    expect(await history(b)).toMatchObject([{ id, endedAt: null }]);
    expect(await ask(`POST /sessions/${id}/heartbeat`)).toMatchObject({ status: 200, body: { open: true } });
  });

  it('ends once, and everybody sees it at once', async () => {
    const end = { reason: 'hangup', tipCount: 2 };
    expect(await ask(`POST /sessions/${id}/end`, end)).toMatchObject({ status: 200 });
    expect(await ask(`POST /sessions/${id}/end`, end)).toMatchObject({ status: 409 });
    expect(await ask(`POST /sessions/${id}/heartbeat`)).toMatchObject({ status: 410, body: { reason: 'hangup' } });
    expect(await ask(`GET /sessions/${id}`)).toMatchObject({ status: 200, body: { reason: 'hangup', tipCount: 2 } });
    for (const side of [a, b]) expect(await history(side)).toMatchObject([{ id, reason: 'hangup' }]);
    expect((await ask(`GET /matches?a=${a}&b=${b}`)).body).toEqual({ allowed: true, blocked: false, active: [] });
  });
});

it('lets nobody meet whom he blocks, until the block runs out', async () => {
  const [blocker, blocked] = [walletNumber(40), walletNumber(41)];
  await sql((client) =>
    client.query(`INSERT INTO blocks (blocker_addr, blocked_addr, expires_at) VALUES ($1, $2, '2026-11-02')`, [
      blocker,
      blocked,
    ]),
  );
  expect(await ask(`GET /matches?a=${blocked}&b=${blocker}`)).toMatchObject({
    body: { allowed: false, blocked: true },
  });
  await sql((client) => client.query(`UPDATE blocks SET expires_at = '2026-10-31' WHERE blocker_addr = $1`, [blocker]));
  expect(await ask(`GET /matches?a=${blocked}&b=${blocker}`)).toMatchObject({
    body: { allowed: true, blocked: false },
  });
});

it('raises the risk score of who is reported three times in a day, and shows it at once', async () => {
  const [reporter, target, stranger] = [walletNumber(50), walletNumber(51), walletNumber(52)];
  await startCall('reported-call', reporter, target);
  await ask(`PUT /users/${target}`, { ensName: null });
  expect(await ask(`GET /users/${target}`)).toMatchObject({ body: { riskScore: 0 } });
  const report = { sessionId: 'reported-call', reporter, reason: 'spam' };
  expect(await ask('POST /reports', { ...report, sessionId: 'none' })).toMatchObject({ status: 404 });
  expect(await ask('POST /reports', { ...report, reporter: stranger })).toMatchObject({ status: 403 });
  for (const reportsOfDay of [1, 2]) {
    expect(await ask('POST /reports', report)).toMatchObject({ status: 201, body: { reportsOfDay, flagged: false } });
  }
  expect(await ask(`GET /users/${target}`)).toMatchObject({ body: { riskScore: 0 } });
  expect(await ask('POST /reports', { ...report, notes: 'again' })).toMatchObject({ body: { flagged: true } });
  expect(await ask(`GET /users/${target}`)).toMatchObject({ body: { riskScore: 60 } });
});

it('stores telemetry, and counts it for moderators', async () => {
  const address = walletNumber(60);
  const events = [event('ice_state'), event('ice_state'), event('call_end')];
  expect(await ask('POST /telemetry', { address, events })).toMatchObject({ status: 202, body: { stored: 3 } });
  const ofWallet = await ask(`GET /moderation/wallets/${address}/telemetry?hours=24`);
  expect(ofWallet).toMatchObject({
    status: 200,
    body: {
      asOf: expect.stringMatching(/^2026-11-01/),
      rows: [
        { type: 'call_end', events: 1 },
        { type: 'ice_state', events: 2 },
      ],
    },
  });
  const ofCall = await ask('GET /moderation/sessions/call-60/telemetry');
  expect(ofCall.body.rows).toMatchObject([{ payload: { rtt: 12 } }, { type: 'ice_state' }, { type: 'call_end' }]);
  const reports = await ask('GET /moderation/reports');
  expect(reports.body.rows).toContainEqual({ reason: 'spam', reports: expect.any(Number) });
});

it.each([
  ['GET /users/alice', undefined],
  ['GET /users/0x12', undefined],
  ['GET /matches?a=0x12', undefined],
  ['POST /auth/nonces', { address: "0x' OR 1=1" }],
  ['PUT /sessions/some', { a: walletNumber(1), b: walletNumber(2) }],
  ['POST /telemetry', { address: walletNumber(1), events: [] }],
  [`GET /moderation/wallets/${walletNumber(1)}/telemetry?hours=9999`, undefined],
])('refuses %s', async (request, payload) => {
  const { status, body } = await ask(request, payload);
  expect({ status, body }).toEqual({ status: 400, body: { error: expect.any(String) } });
});

it('refuses the requests of a wallet that sends too many', async () => {
  await using strict = await openService(databaseUrl(server, 'last'), { RATE_LIMIT_PER_MINUTE: '2' });
  const askStrict = asking(strict);
  const statuses: number[] = [];
  for (let request = 0; request < 3; request++) {
    statuses.push((await askStrict('POST /auth/nonces', { address: walletNumber(70) })).status);
  }
  expect(statuses).toEqual([201, 201, 429]);
  expect(await askStrict('POST /auth/nonces', { address: walletNumber(71) })).toMatchObject({ status: 201 });
});

describe('monitoring', () => {
  it('says that all is well', async () => {
    expect(await ask('GET /health')).toMatchObject({
      status: 200,
      body: { status: 'up', database: 'up', cache: 'up' },
    });
  });

  it('shows requests, statements, connections and hits of each kind', async () => {
    const performance = await ask('GET /health/performance');
    expect(performance.body.requests).toContainEqual(expect.objectContaining({ name: 'GET /users/:address' }));
    const metrics = await ask('GET /database/metrics');
    expect(metrics.body.statements).toContainEqual(
      expect.objectContaining({ name: 'user_profile', calls: expect.any(Number), p95Ms: expect.any(Number) }),
    );
    const connections = await ask('GET /database/connections');
    const { max, waiting, utilisation, efficiency } = connections.body.pool;
    expect({ max, waiting }).toEqual({ max: 20, waiting: 0 });
    for (const share of [utilisation, efficiency]) {
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(connections.body.server).toContainEqual(expect.objectContaining({ state: 'active' }));
    const { kinds, store } = (await ask('GET /database/cache-stats')).body;
    expect(kinds).toContainEqual(
      expect.objectContaining({ kind: 'user', timeToLiveMs: 600_000, hitShare: expect.any(Number) }),
    );
    expect(store).toMatchObject({ usable: true });
  });

  it('shows the database itself', async () => {
    const health = await ask('GET /database/health');
    expect(health).toMatchObject({ status: 200, body: { version: expect.stringMatching(/^\d+/), deadlocks: 0 } });
    expect(health.body.tables.map(({ table }: { table: string }) => table)).toContain('sessions');
    expect(await ask('GET /database/query-analysis')).toMatchObject({ status: 200, body: { slowerThanMs: 50 } });
  });
});

describe('management', () => {
  it.each([
    ['no token', {}],
    ['another token', bearer('token-of-an-impostor-----')],
    ['the beginning of the token', bearer(token.slice(0, -1))],
    ['another scheme', { authorization: `Basic ${token}` }],
  ])('is refused to %s', async (_, headers) => {
    for (const request of ['POST /database/optimize', 'POST /database/cache/clear']) {
      expect(await ask(request, undefined, headers)).toMatchObject({ status: 401 });
    }
  });

  it('is refused to everybody when there is no token', async () => {
    await using closed = await openService(databaseUrl(server, 'last'), {
      ADMIN_TOKEN: undefined as unknown as string,
    });
    expect(await asking(closed)('POST /database/cache/clear', undefined, bearer(''))).toMatchObject({ status: 401 });
    expect(await asking(closed)('POST /database/cache/clear', undefined, bearer('undefined'))).toMatchObject({
      status: 401,
    });
  });

  it('empties the cache', async () => {
    await ask(`GET /users/${walletNumber(1)}`);
    const cleared = await ask('POST /database/cache/clear', undefined, bearer(token));
    expect(cleared).toMatchObject({ status: 200, body: { cleared: expect.any(Number) } });
    expect(cleared.body.cleared).toBeGreaterThan(0);
    expect((await ask('GET /database/cache-stats')).body.store).toMatchObject({ entries: 0 });
  });

  it('reports what could be better, and changes nothing', async () => {
    const before = await indexes();
    const report = await ask('POST /database/optimize', undefined, bearer(token));
    expect(report).toMatchObject({ status: 200, body: { changed: 'nothing' } });
    expect(report.body.findings.map(({ finding }: { finding: string }) => finding).join('\n')).toMatch(
      /idx_nonces_expires_at/,
    );
    expect(await indexes()).toEqual(before);
  });
});

it('tells about a full pool and slow statements, turns away who waits too long, and recovers', async () => {
  const { parts, watch } = service;
  watch.look();
  const asked = await sql(async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const all = Array.from({ length: 25 }, (_, number) => ask(`GET /users/${walletNumber(100 + number)}`));
    await vi.waitFor(() => expect(parts.database.pool()).toMatchObject({ inUse: 20, waiting: 5 }));
    watch.look();
    expect(parts.alerts.active()).toMatchObject([{ name: 'pool exhausted' }]);
    const health = ask('GET /health');
    await vi.waitFor(() => expect(parts.database.pool().timeouts).toBe(6), { timeout: 10_000 });
    expect(await health).toMatchObject({ status: 503, body: { status: 'down', database: 'busy' } });
    await client.query('ROLLBACK');
    return all;
  });
  const answers = await Promise.all(asked as ReturnType<typeof ask>[]);
  const turnedAway = answers.filter(({ status }) => status === 503);
  expect(turnedAway).toHaveLength(5);
  expect(turnedAway[0]).toMatchObject({ headers: { 'retry-after': '1' }, body: { error: expect.any(String) } });
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(20);
  watch.look();
  const { body } = await ask('GET /health/performance');
  const alerts = body.alerts.map(({ name }: { name: string }) => name).sort();
  expect(alerts).toEqual(['errors', 'pool exhausted', 'slow statement user_profile']);
  const analysis = (await ask('GET /database/query-analysis')).body;
  expect(analysis.slowCounts).toMatchObject({ user_profile: 20 });
  expect(analysis.slow).toContainEqual(expect.objectContaining({ name: 'user_profile' }));
  watch.look();
  expect(parts.alerts.active()).toEqual([]);
});

it('cleans up expired nonces and calls that nobody ended, and tells who asks', async () => {
  const [a, b] = [walletNumber(200), walletNumber(201)];
  await startCall('forgotten', a, b);
  await sql((client) => client.query(`UPDATE sessions SET started_at = '2026-10-31 21:00' WHERE id = 'forgotten'`));
  expect(await ask('POST /sessions/forgotten/heartbeat')).toMatchObject({ status: 200 });
  expect((await ask(`GET /users/${a}/sessions`)).body.sessions).toMatchObject([{ endedAt: null }]);
  await cleanUp(service.parts);
  expect(await ask('POST /sessions/forgotten/heartbeat')).toMatchObject({ status: 410, body: { reason: 'timeout' } });
  expect((await ask(`GET /users/${a}/sessions`)).body.sessions).toMatchObject([{ reason: 'timeout' }]);
  const { rows } = (await sql((client) =>
    client.query('SELECT 1 FROM nonces WHERE expires_at < $1', [seedEnd.slice(0, -1)]),
  )) as {
    rows: unknown[];
  };
  expect(rows).toEqual([]);
});

it('ends blocks that ran out and makes the months ahead', async () => {
  await maintain(service.parts);
  await sql(async (client) => {
    const { rows } = await client.query(`
      SELECT to_regclass('telemetry_events_2027_02') IS NOT NULL AS ahead,
             EXISTS (SELECT 1 FROM blocks WHERE active AND expires_at <= '2026-11-01') AS left_over`);
    expect(rows).toEqual([{ ahead: true, left_over: false }]);
  });
});

it('answers on the first migration as on the last', async () => {
  await using oldest = await openService(databaseUrl(server, 'first'), { POOL: 'before' });
  await using newest = await openService(databaseUrl(server, 'last'), { POOL: 'after' });
  expect(oldest.parts.schema).toMatchObject({ hasColumns: false, hasPartitions: false, hasOrderedCalls: false });
  expect(newest.parts.schema).toMatchObject({ hasColumns: true, hasPartitions: true, hasOrderedCalls: true });
  const wallets = await withClient(server.connection('first'), async (client) => {
    const { rows } = await client.query(`
      SELECT a_addr AS a, b_addr AS b, id FROM sessions WHERE ended_at IS NOT NULL ORDER BY started_at DESC LIMIT 25`);
    return rows as { a: string; b: string; id: string }[];
  });
  for (const { a, b, id } of wallets) {
    const requests = [
      `users/${a}`,
      `users/${a}/sessions`,
      `matches?a=${a}&b=${b}`,
      `sessions/${id}`,
      `users/${b}/balances/1`,
    ];
    requests.push(`moderation/wallets/${a}/telemetry?hours=168`, `moderation/sessions/${id}/telemetry`);
    for (const request of requests) {
      const answers = await Promise.all([oldest, newest].map((each) => asking(each)(`GET /${request}`)));
      const [one, other] = answers.map(({ status, body }) => ({ request, status, body: { ...body, asOf: undefined } }));
      expect(other).toEqual(one);
    }
  }
  await Promise.all([cleanUp(oldest.parts), maintain(oldest.parts)]);
  const signedIn = await asking(oldest)('POST /auth/nonces', { address: walletNumber(300) });
  const consume = { address: walletNumber(300), nonce: signedIn.body.nonce };
  expect(await asking(oldest)('POST /auth/nonces/consume', consume)).toMatchObject({ status: 200 });
});

it('outlives a restart of the database: errors while it is away, right answers after', async () => {
  await using uncached = await openService(databaseUrl(server, 'last'));
  const askUncached = asking(uncached);
  await askUncached(`PUT /users/${walletNumber(400)}`, { ensName: 'still.eth' });
  const statuses = new Set<number>();
  const restart = new AbortController();
  const restarting = server.restart().finally(() => restart.abort());
  while (!restart.signal.aborted) {
    const answer = await askUncached(`GET /users/${walletNumber(400)}`);
    statuses.add(answer.status);
    if (answer.status === 200) expect(answer.body).toMatchObject({ ensName: 'still.eth' });
  }
  await restarting;
  for (const status of statuses) expect([200, 503]).toContain(status);
  await vi.waitFor(async () => expect(await askUncached('GET /health')).toMatchObject({ status: 200 }));
  expect(await askUncached(`GET /users/${walletNumber(400)}`)).toMatchObject({ body: { ensName: 'still.eth' } });
});
