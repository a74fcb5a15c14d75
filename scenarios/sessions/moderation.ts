/** Reports, and what moderators look at. */
import { defineRewrite, defineTransaction, type Draw, type Row, type TransactionClient } from 'pgrehearse';
import { drawRecentRow, drawWallet, utc } from './draws.ts';

export const reportSubmit = defineTransaction({
  description: 'Report the other side of a call; three reports in a day raise its risk score',
  weight: 3,
  access: 'write',
  // Or a session would be marked as reported and have no report.
  atomic: true,
  params: (draw) => {
    const row = drawRecentRow(draw, 'sessions', 0.005);
    return {
      report: [
        draw.cell('sessions', 'a_addr', row),
        draw.cell('sessions', 'b_addr', row),
        draw.cell('sessions', 'id', row),
        draw.pick(['nudity', 'harassment', 'spam', 'scam', 'other']),
        utc(draw.now),
      ] as const,
    };
  },
  statements: {
    insert: `
      INSERT INTO reports (reporter_addr, target_addr, session_id, reason_enum, created_at) VALUES ($1, $2, $3, $4, $5)`,
    mark: 'UPDATE sessions SET reported = true WHERE id = $1 AND NOT reported',
    count: `
      SELECT count(*)::integer AS reports FROM reports
       WHERE target_addr = $1 AND created_at >= $2::timestamp - INTERVAL '24 hours'`,
    flag: 'UPDATE users SET risk_score = 60 WHERE wallet_address = $1 AND risk_score < 60',
  },
  run: async (client, { report }) => {
    const [, target, sessionId, , now] = report;
    await client.query('insert', report);
    await client.query('mark', [sessionId]);
    const [counted] = await client.query<{ reports: number }>('count', [target, now]);
    if (counted!.reports >= 3) await client.query('flag', [target]);
    return counted;
  },
});

/** Moderators ask for the reports of 30 days by reason, for the telemetry of a wallet, or for that of a call. */
type Question =
  | { about: 'reports'; now: string }
  | { about: 'wallet'; address: string; from: string }
  | { about: 'call'; sessionId: string };

const hourMs = 3_600_000;

function drawQuestion(draw: Draw): Question {
  const about = draw.weighted<Question['about']>([
    ['reports', 50],
    ['wallet', 30],
    ['call', 20],
  ]);
  if (about === 'reports') return { about, now: utc(draw.now) };
  if (about === 'call') {
    const row = draw.int(0, draw.rows('sessions') - 1);
    return { about, sessionId: draw.cell('sessions', 'id', row) as string };
  }
  const windowMs = draw.weighted([
    [hourMs, 60],
    [24 * hourMs, 30],
    [7 * 24 * hourMs, 10],
  ]);
  return { about, address: drawWallet(draw).address, from: utc(new Date(draw.now.getTime() - windowMs)) };
}

function answer(client: TransactionClient<Question['about']>, question: Question): Promise<Row[]> {
  if (question.about === 'reports') return client.query('reports', [question.now]);
  if (question.about === 'call') return client.query('call', [question.sessionId]);
  return client.query('wallet', [question.address, question.from]);
}

export const moderationStats = defineTransaction({
  description: 'Statistics for moderators: reports by reason, telemetry of a wallet or of a call',
  weight: 2,
  access: 'read',
  params: drawQuestion,
  classify: ({ about }) => about,
  statements: {
    reports: `
      SELECT reason_enum, count(*) AS reports FROM reports
       WHERE created_at >= $1::timestamp - INTERVAL '30 days' GROUP BY reason_enum ORDER BY reason_enum`,
    wallet: `
      SELECT type, count(*) AS events, max(ts) AS latest FROM telemetry_events
       WHERE address = $1 AND ts >= $2 GROUP BY type ORDER BY type`,
    call: `SELECT id, type, ts, payload FROM telemetry_events WHERE payload ->> 'sessionId' = $1 ORDER BY ts, id`,
  },
  run: answer,
});

/** The GIN index of the document serves containment only, not the comparison of a key's text. */
export const moderationStatsByContainment = defineRewrite({
  statements: {
    ...moderationStats.statements,
    call: `
      SELECT id, type, ts, payload FROM telemetry_events
       WHERE payload @> jsonb_build_object('sessionId', $1::text) ORDER BY ts, id`,
  },
  run: answer,
});
