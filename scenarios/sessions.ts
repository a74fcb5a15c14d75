/**
 * Video calls between wallets at production size, from a real optimisation report, the source document: wallets sign in, are matched,
 * call, report each other. "before" is the service as the report found it, "after" holds the rate.
 */
import { defineScenario, defineWorkload } from 'pgrehearse';
import { sessionsSeed } from '../seeds/sessions.ts';
import * as calls from './sessions/calls.ts';
import { claims } from './sessions/claims.ts';
import { http } from './sessions/http.ts';
import { invariants } from './sessions/invariants.ts';
import * as moderation from './sessions/moderation.ts';
import { readings } from './sessions/readings.ts';
import { stages } from './sessions/stages.ts';
import * as wallets from './sessions/wallets.ts';

const sessions = defineWorkload({
  name: 'sessions',
  migrations: 'migrations/sessions',
  baseline: '001',
  seed: sessionsSeed,
  transactions: {
    siwe_auth: wallets.siweAuth,
    user_profile: wallets.userProfile,
    match_check: calls.matchCheck,
    session_lifecycle: calls.sessionLifecycle,
    session_history: calls.sessionHistory,
    report_submit: moderation.reportSubmit,
    balance_read: wallets.balanceRead,
    telemetry_ingest: calls.telemetryIngest,
    moderation_stats: moderation.moderationStats,
  },
  invariants,
  readings,
});

export default defineScenario({
  name: 'sessions',
  title: 'Calls between wallets',
  description: '3 million calls of 400,000 wallets, 6 million telemetry events',
  workload: sessions,
  stages,
  load: { ratePerSecond: 1000, durationMs: 60_000, connections: 20, statementTimeoutMs: 5_000 },
  slo: { percentile: 95, limitMs: 50 },
  claims,
  http,
});
