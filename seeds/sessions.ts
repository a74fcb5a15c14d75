/**
 * Rows of the sessions workload: 400,000 wallets, 3 million calls between them over 180 days, and what belongs to the calls.
 *
 * Row 0 of `users` is the most active wallet; the most active hundredth has about a fifth of all calls. Calls, telemetry and
 * reports were appended to in production, so they grow with the row number here too.
 */
import { defineSeed } from 'pgrehearse';
import { sessions, reports } from './sessions/calls.ts';
import { balances, blocks, nonces, queryStats, users } from './sessions/wallets.ts';
import { telemetryEvents } from './sessions/telemetry.ts';

export const sessionsSeed = defineSeed({
  asOf: '2026-11-01T00:00:00Z',
  tables: {
    users,
    sessions,
    reports,
    blocks,
    nonces,
    telemetry_events: telemetryEvents,
    balances,
    query_stats: queryStats,
  },
});
