/** The document's monitoring and management endpoints, lines 115 to 125. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PoolExhaustedError, type Statement } from '../database.ts';
import { slowStatementMs } from '../monitoring.ts';
import { optimisationReport } from '../optimisation.ts';
import type { Parts } from '../parts.ts';

const ping: Statement = { name: 'ping', text: 'SELECT 1' };

/** Not everything of the document's form exists: pg_stat_user_tables has relname, not tablename. */
const databaseFigures: Statement = {
  name: 'database_figures',
  text: `
    SELECT current_setting('server_version') AS version, pg_database_size(datname) AS bytes, numbackends AS connections,
           xact_commit AS commits, xact_rollback AS rollbacks, deadlocks, temp_bytes AS "temporaryBytes",
           round(blks_hit / nullif(blks_hit + blks_read, 0)::numeric, 4)::float8 AS "bufferHitShare"
      FROM pg_stat_database WHERE datname = current_database()`,
};

const tableFigures: Statement = {
  name: 'table_figures',
  text: `
    SELECT relname AS "table", pg_total_relation_size(relid) AS bytes, n_live_tup AS live, n_dead_tup AS dead,
           greatest(last_vacuum, last_autovacuum) AS "lastVacuum"
      FROM pg_stat_user_tables ORDER BY bytes DESC LIMIT 20`,
};

const connectionStates: Statement = {
  name: 'connection_states',
  text: `
    SELECT coalesce(state, 'background') AS state, count(*) AS connections,
           (extract(epoch FROM max(clock_timestamp() - state_change)) * 1000)::float8 AS "longestMs"
      FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1 ORDER BY 1`,
};

const hasStatements: Statement = {
  name: 'has_statements',
  text: `SELECT to_regclass('pg_stat_statements') IS NOT NULL AS installed`,
};

/** total_exec_time: total_time, which the document asks for, has not existed since version 13. */
const serverStatements: Statement = {
  name: 'server_statements',
  text: `
    SELECT query, calls, total_exec_time AS "totalMs", mean_exec_time AS "meanMs", max_exec_time AS "maxMs", rows
      FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     ORDER BY total_exec_time DESC LIMIT 20`,
};

export function addMonitoringRoutes(app: FastifyInstance, parts: Parts): void {
  addHealth(app, parts);
  addDatabaseFigures(app, parts);
  addManagement(app, parts);
}

function addHealth(app: FastifyInstance, { database, cache, monitor, alerts }: Parts): void {
  app.get('/health', async (_request, reply) => {
    const [databaseState, { on, store }] = await Promise.all([
      database.query(ping).then(
        () => 'up',
        (error: unknown) => (error instanceof PoolExhaustedError ? 'busy' : 'down'),
      ),
      cache.statistics(),
    ]);
    const cacheState = !on ? 'off' : store?.usable ? 'up' : 'down';
    // Without a cache the service is slower and right; without a database it is nothing.
    const status = databaseState !== 'up' ? 'down' : cacheState === 'down' ? 'degraded' : 'up';
    return reply.code(status === 'down' ? 503 : 200).send({ status, database: databaseState, cache: cacheState });
  });
  app.get('/health/performance', () => ({
    process: monitor.process(),
    requests: monitor.requests.figures(),
    connectionWait: monitor.connectionWait.figures(),
    alerts: alerts.active(),
  }));
}

function addDatabaseFigures(app: FastifyInstance, { database, cache, monitor }: Parts): void {
  app.get('/database/health', async () => {
    const [figures] = await database.query(databaseFigures);
    return { ...figures, tables: await database.query(tableFigures) };
  });
  app.get('/database/metrics', () => ({
    statements: monitor.statements.figures(),
    connectionWait: monitor.connectionWait.figures(),
  }));
  app.get('/database/cache-stats', () => cache.statistics());
  app.get('/database/connections', async () => ({
    pool: database.pool(),
    wait: monitor.connectionWait.figures(),
    server: await database.query(connectionStates),
  }));
  app.get('/database/query-analysis', async () => {
    const [extension] = await database.query<{ installed: boolean }>(hasStatements);
    return {
      slowerThanMs: slowStatementMs,
      slow: monitor.slowStatements(),
      slowCounts: Object.fromEntries(monitor.slowCounts),
      server: extension!.installed ? await database.query(serverStatements) : 'pg_stat_statements is not installed',
    };
  });
}

function addManagement(app: FastifyInstance, { database, cache, settings }: Parts): void {
  const preHandler = withToken(settings.ADMIN_TOKEN);
  app.post('/database/optimize', { preHandler }, async () => ({
    changed: 'nothing',
    findings: await optimisationReport(database),
  }));
  app.post('/database/cache/clear', { preHandler }, async () => ({ cleared: await cache.clear() }));
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Digests are of one length, and comparing them takes as long wherever they differ: the time tells nothing of the token. */
function withToken(token: string | undefined) {
  return async ({ headers }: FastifyRequest, reply: FastifyReply) => {
    const given = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (token !== undefined && timingSafeEqual(digest(given), digest(token))) return undefined;
    return reply.code(401).send({ error: 'This needs the token of an administrator.' });
  };
}
