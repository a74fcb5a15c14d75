/** Calls: may two wallets be matched, a call from its start to its end, the calls of a wallet, what clients tell about theirs. */
import type { FastifyInstance } from 'fastify';
import type { Answer, Cache } from '../cache.ts';
import { utc, type Database, type Statement } from '../database.ts';
import type { Parts } from '../parts.ts';
import { addressShape, aged, chainShape, exactly, idShape, limited, wallet } from '../requests.ts';

const callColumns = `id, a_addr AS a, b_addr AS b, started_at AS "startedAt", ended_at AS "endedAt", reason_end AS reason,
  tip_count AS "tipCount"`;

export interface Call {
  id: string;
  a: string;
  b: string;
  startedAt: string;
  endedAt: string | null;
  reason: string | null;
  tipCount: number;
}

const areBlocked: Statement = {
  name: 'match_blocked',
  text: `
    SELECT EXISTS (SELECT 1 FROM blocks
                    WHERE (blocker_addr = $1 AND blocked_addr = $2) OR (blocker_addr = $2 AND blocked_addr = $1)) AS blocked`,
};

const areBlockedNow: Statement = {
  name: 'match_blocked',
  text: `
    SELECT EXISTS (SELECT 1 FROM blocks
                    WHERE active AND (expires_at IS NULL OR expires_at > $3)
                      AND ((blocker_addr = $1 AND blocked_addr = $2) OR (blocker_addr = $2 AND blocked_addr = $1))) AS blocked`,
};

const openCalls: Statement = {
  name: 'match_active',
  text: `
    SELECT id, a_addr AS a, b_addr AS b FROM sessions
     WHERE ended_at IS NULL AND (a_addr IN ($1, $2) OR b_addr IN ($1, $2)) ORDER BY started_at DESC, id`,
};

const startCall: Statement = {
  name: 'session_start',
  text: `
    INSERT INTO sessions (id, a_addr, b_addr, started_at, chain_id) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO NOTHING RETURNING id`,
};

const endCall: Statement = {
  name: 'session_end',
  text: `
    UPDATE sessions SET ended_at = $2, reason_end = $3, tip_count = $4
     WHERE id = $1 AND ended_at IS NULL RETURNING a_addr AS a, b_addr AS b`,
};

const readCall: Statement = { name: 'session_read', text: `SELECT ${callColumns} FROM sessions WHERE id = $1` };

const history: Statement = {
  name: 'session_history',
  text: `SELECT ${callColumns} FROM sessions WHERE a_addr = $1 OR b_addr = $1 ORDER BY started_at DESC, id DESC LIMIT 20`,
};

/** Two walks along an index, newest first. WITH TIES: calls of the same instant are sorted by id afterwards. */
const historyInOrder: Statement = {
  name: 'session_history',
  text: `
    SELECT * FROM (
      (SELECT ${callColumns} FROM sessions
        WHERE a_addr = $1 ORDER BY started_at DESC FETCH FIRST 20 ROWS WITH TIES)
      UNION ALL
      (SELECT ${callColumns} FROM sessions
        WHERE b_addr = $1 AND a_addr IS DISTINCT FROM b_addr ORDER BY started_at DESC FETCH FIRST 20 ROWS WITH TIES)
    ) AS both_sides ORDER BY "startedAt" DESC, id DESC LIMIT 20`,
};

const insertTelemetry: Statement = {
  name: 'telemetry_ingest',
  text: `
    INSERT INTO telemetry_events (address, type, payload, ts)
    SELECT $1, type, payload::jsonb, $4::timestamp FROM unnest($2::text[], $3::text[]) AS event (type, payload)`,
};

/** A call, or null. Its two wallets never change; its end is a write, which forgets it. */
export const findCall = (cache: Cache, database: Database, id: string): Promise<Answer<Call | null>> =>
  cache.remember('session', id, async () => (await database.query<Call>(readCall, [id]))[0] ?? null);

export function addCallRoutes(app: FastifyInstance, parts: Parts): void {
  addMatch(app, parts);
  addStart(app, parts);
  addOpenCall(app, parts);
  addHistory(app, parts);
  addTelemetry(app, parts);
}

/** Never from the cache: a match on an old answer rings where somebody is busy, or was blocked. */
function addMatch(app: FastifyInstance, { database, schema, clock }: Parts): void {
  app.get<{ Querystring: { a: string; b: string } }>(
    '/matches',
    { schema: { querystring: exactly({ a: addressShape, b: addressShape }) } },
    async ({ query }) => {
      const pair = [wallet(query.a), wallet(query.b)];
      const [blocks] = schema.hasColumns
        ? await database.query<{ blocked: boolean }>(areBlockedNow, [...pair, utc(clock())])
        : await database.query<{ blocked: boolean }>(areBlocked, pair);
      const active = await database.query(openCalls, pair);
      return { allowed: !blocks!.blocked && active.length === 0, blocked: blocks!.blocked, active };
    },
  );
}

interface Start {
  a: string;
  b: string;
  chainId: number;
}

/** Whoever matched the two names the call, so that a request that is sent again starts no second one. */
function addStart(app: FastifyInstance, { cache, database, clock, limiter }: Parts): void {
  app.put<{ Params: { id: string }; Body: Start }>(
    '/sessions/:id',
    {
      schema: {
        params: exactly({ id: idShape }),
        body: exactly({ a: addressShape, b: addressShape, chainId: chainShape }),
      },
      preHandler: limited(limiter, 'session', ({ body }) => (body as Start).a),
    },
    async ({ params: { id }, body }, reply) => {
      const [a, b] = [wallet(body.a), wallet(body.b)];
      if (a === b) return reply.code(400).send({ error: 'Nobody calls himself.' });
      const started = await database.query(startCall, [id, a, b, utc(clock()), body.chainId]);
      if (started.length === 0) {
        const { value: known } = await findCall(cache, database, id);
        const same = known?.a === a && known.b === b;
        return same ? { id } : reply.code(409).send({ error: 'Another call has this id.' });
      }
      await forgetCall(cache, id, a, b);
      return reply.code(201).send({ id });
    },
  );
}

function addOpenCall(app: FastifyInstance, { cache, database, clock }: Parts): void {
  const params = exactly({ id: idShape });
  const unknown = { error: 'There is no such call.' };
  app.get<{ Params: { id: string } }>('/sessions/:id', { schema: { params } }, async (request, reply) => {
    return aged(reply, await findCall(cache, database, request.params.id)) ?? reply.code(404).send(unknown);
  });
  // The schema has no column for it. So that a client hears that the other one, or the clean-up, has ended the call.
  app.post<{ Params: { id: string } }>('/sessions/:id/heartbeat', { schema: { params } }, async (request, reply) => {
    const call = aged(reply, await findCall(cache, database, request.params.id));
    if (call === null) return reply.code(404).send(unknown);
    return call.endedAt === null ? { open: true } : reply.code(410).send({ open: false, reason: call.reason });
  });
  const reason = { enum: ['skip', 'hangup', 'timeout', 'error', 'report'] };
  app.post<{ Params: { id: string }; Body: { reason: string; tipCount?: number } }>(
    '/sessions/:id/end',
    { schema: { params, body: exactly({ reason }, { tipCount: { type: 'integer', minimum: 0, maximum: 1000 } }) } },
    async ({ params: { id }, body }, reply) => {
      const values = [id, utc(clock()), body.reason, body.tipCount ?? 0];
      const [ended] = await database.query<{ a: string; b: string }>(endCall, values);
      if (ended === undefined) return reply.code(409).send({ error: 'This call is unknown or has ended.' });
      await forgetCall(cache, id, ended.a, ended.b);
      return { id };
    },
  );
}

async function forgetCall(cache: Cache, id: string, a: string, b: string): Promise<void> {
  await Promise.all([cache.forget('session', id), cache.forget('query', a, b)]);
}

function addHistory(app: FastifyInstance, { cache, database, schema }: Parts): void {
  const statement = schema.hasOrderedCalls ? historyInOrder : history;
  app.get<{ Params: { address: string } }>(
    '/users/:address/sessions',
    { schema: { params: exactly({ address: addressShape }) } },
    async ({ params }, reply) => {
      const address = wallet(params.address);
      const calls = await cache.remember('query', address, () => database.query<Call>(statement, [address]));
      return { sessions: aged(reply, calls) };
    },
  );
}

interface Telemetry {
  address: string;
  events: { type: string; payload: object }[];
}

function addTelemetry(app: FastifyInstance, { database, clock, limiter }: Parts): void {
  const event = exactly({ type: { type: 'string', minLength: 1, maxLength: 100 }, payload: { type: 'object' } });
  const events = { type: 'array', minItems: 1, maxItems: 100, items: event };
  app.post<{ Body: Telemetry }>(
    '/telemetry',
    {
      schema: { body: exactly({ address: addressShape, events }) },
      preHandler: limited(limiter, 'telemetry', ({ body }) => (body as Telemetry).address),
    },
    async ({ body }, reply) => {
      // The service's clock: those of clients are wrong by years, and each year would be a partition.
      const payloads = body.events.map(({ payload }) => JSON.stringify(payload));
      const types = body.events.map(({ type }) => type);
      await database.query(insertTelemetry, [wallet(body.address), types, payloads, utc(clock())]);
      return reply.code(202).send({ stored: types.length });
    },
  );
}
