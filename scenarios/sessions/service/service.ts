/** Puts the service together: parts, routes, errors, measuring, jobs. */
import { DatabaseError } from 'pg';
import fastify, { LogController, type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { DatabaseUnavailableError, PoolExhaustedError } from './database.ts';
import { startJobs } from './jobs.ts';
import { closeParts, openParts, type Parts } from './parts.ts';
import { addCallRoutes } from './routes/calls.ts';
import { addModerationRoutes } from './routes/moderation.ts';
import { addMonitoringRoutes } from './routes/monitoring.ts';
import { addWalletRoutes } from './routes/wallets.ts';
import type { Settings } from './settings.ts';
import { Watch } from './watch.ts';

declare module 'fastify' {
  interface FastifyInstance {
    parts: Parts;
    watch: Watch;
  }
}

/** Listens nowhere yet. `close()` waits for the requests under way, then closes all that was opened. */
export async function buildService(settings: Settings): Promise<FastifyInstance> {
  const app = fastify({
    logger: { level: settings.LOG_LEVEL, stream: process.stderr },
    logController: new LogController({ disableRequestLogging: true }),
  });
  const log = { info: (text: string) => app.log.info(text), warn: (text: string) => app.log.warn(text) };
  const parts = await openParts(settings, log);
  const watch = new Watch(parts);
  app.decorate('parts', parts);
  app.decorate('watch', watch);
  app.setErrorHandler(answerError);
  app.addHook('onResponse', async (request, reply) => {
    const route = `${request.method} ${request.routeOptions.url ?? '(unknown)'}`;
    parts.monitor.requests.of(route).record(reply.elapsedTime, reply.statusCode >= 500);
  });
  addWalletRoutes(app, parts);
  addCallRoutes(app, parts);
  addModerationRoutes(app, parts);
  addMonitoringRoutes(app, parts);
  closeConnectionsWhenClosing(app);
  const stopJobs = settings.JOBS === 'on' ? startJobs(parts, watch) : undefined;
  app.addHook('onClose', async () => {
    stopJobs?.();
    await closeParts(parts);
  });
  return app;
}

/** Fastify closes idle connections; one that becomes idle later would be kept open, for the client's next request. */
function closeConnectionsWhenClosing(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) void reply.header('connection', 'close');
  });
}

/** SQLSTATE of a statement that took too long. */
const queryCanceled = '57014';

/** Trouble that passes is 503 and says when to come again; what a client did wrong is 4xx; SQL never leaves the service. */
function answerError(error: FastifyError | Error, _request: unknown, reply: FastifyReply) {
  const isOverload =
    error instanceof PoolExhaustedError ||
    error instanceof DatabaseUnavailableError ||
    (error instanceof DatabaseError && error.code === queryCanceled);
  if (isOverload) return reply.code(503).header('retry-after', 1).send({ error: 'The database is busy or away.' });
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (status < 500) return reply.code(status).send({ error: error.message });
  reply.log.error(error);
  return reply.code(500).send({ error: 'Something went wrong.' });
}
