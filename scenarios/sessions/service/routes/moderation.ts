/** Reports, and what moderators look at. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { utc, type Statement } from '../database.ts';
import type { Parts } from '../parts.ts';
import { addressShape, aged, exactly, idShape, limited, wallet } from '../requests.ts';
import { findCall } from './calls.ts';

const insertReport: Statement = {
  name: 'report_insert',
  text: `
    INSERT INTO reports (reporter_addr, target_addr, session_id, reason_enum, notes, created_at)
    VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
};

const markCall: Statement = {
  name: 'report_mark',
  text: 'UPDATE sessions SET reported = true WHERE id = $1 AND NOT reported',
};

const countReports: Statement = {
  name: 'report_count',
  text: `
    SELECT count(*) AS reports FROM reports
     WHERE target_addr = $1 AND created_at >= $2::timestamp - INTERVAL '24 hours'`,
};

const raiseRisk: Statement = {
  name: 'report_flag',
  text: 'UPDATE users SET risk_score = 60 WHERE wallet_address = $1 AND risk_score < 60',
};

/** So many reports in a day raise the risk score of who is reported. */
const reportsToFlag = 3;

const reportsByReason: Statement = {
  name: 'moderation_reports',
  text: `
    SELECT reason_enum AS reason, count(*) AS reports FROM reports
     WHERE created_at >= $1::timestamp - INTERVAL '30 days' GROUP BY reason_enum ORDER BY reason_enum`,
};

const telemetryOfWallet: Statement = {
  name: 'moderation_wallet',
  text: `
    SELECT type, count(*) AS events, max(ts) AS latest FROM telemetry_events
     WHERE address = $1 AND ts >= $2 GROUP BY type ORDER BY type`,
};

const telemetryOfCall: Statement = {
  name: 'moderation_call',
  text: `SELECT id, type, ts, payload FROM telemetry_events WHERE payload ->> 'sessionId' = $1 ORDER BY ts, id`,
};

export function addModerationRoutes(app: FastifyInstance, parts: Parts): void {
  addReports(app, parts);
  addStatistics(app, parts);
}

interface Report {
  sessionId: string;
  reporter: string;
  reason: string;
  notes?: string;
}

function addReports(app: FastifyInstance, { cache, database, clock, limiter }: Parts): void {
  const reason = { enum: ['nudity', 'harassment', 'spam', 'scam', 'other'] };
  app.post<{ Body: Report }>(
    '/reports',
    {
      schema: {
        body: exactly(
          { sessionId: idShape, reporter: addressShape, reason },
          { notes: { type: 'string', maxLength: 2000 } },
        ),
      },
      preHandler: limited(limiter, 'report', ({ body }) => (body as Report).reporter),
    },
    async ({ body }, reply) => {
      const reporter = wallet(body.reporter);
      const { value: call } = await findCall(cache, database, body.sessionId);
      if (call === null) return reply.code(404).send({ error: 'There is no such call.' });
      if (reporter !== call.a && reporter !== call.b) return reply.code(403).send({ error: 'That was not your call.' });
      const target = reporter === call.a ? call.b : call.a;
      const now = utc(clock());
      // Or a call would be marked as reported and have no report.
      const answer = await database.transaction(async (query) => {
        const values = [reporter, target, call.id, body.reason, body.notes ?? null, now];
        const [report] = await query<{ id: number }>(insertReport, values);
        await query(markCall, [call.id]);
        const [day] = await query<{ reports: number }>(countReports, [target, now]);
        const flagged = day!.reports >= reportsToFlag;
        if (flagged) await query(raiseRisk, [target]);
        return { id: report!.id, reportsOfDay: day!.reports, flagged };
      });
      if (answer.flagged) await cache.forget('user', target);
      return reply.code(201).send(answer);
    },
  );
}

/** Up to five minutes old, and each says as of when it is. */
function addStatistics(app: FastifyInstance, { cache, database, clock }: Parts): void {
  const ask = async (reply: FastifyReply, id: string, statement: Statement, values: (now: Date) => unknown[]) => {
    const answer = await cache.remember('reports', id, async () => {
      const now = clock();
      return { asOf: now.toISOString(), rows: await database.query(statement, values(now)) };
    });
    return aged(reply, answer);
  };
  app.get('/moderation/reports', (_request, reply) => ask(reply, 'by-reason', reportsByReason, (now) => [utc(now)]));
  app.get<{ Params: { address: string }; Querystring: { hours: number } }>(
    '/moderation/wallets/:address/telemetry',
    {
      schema: {
        params: exactly({ address: addressShape }),
        querystring: exactly({ hours: { enum: [1, 24, 168], type: 'integer' } }),
      },
    },
    ({ params, query: { hours } }, reply) => {
      const address = wallet(params.address);
      const from = (now: Date) => utc(new Date(now.getTime() - hours * 3_600_000));
      return ask(reply, `wallet:${address}:${hours}`, telemetryOfWallet, (now) => [address, from(now)]);
    },
  );
  app.get<{ Params: { id: string } }>(
    '/moderation/sessions/:id/telemetry',
    { schema: { params: exactly({ id: idShape }) } },
    ({ params: { id } }, reply) => ask(reply, `call:${id}`, telemetryOfCall, () => [id]),
  );
}
