/** The sessions service on a small seeded database, as its first migration left it and as its last. */
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import scenario from '../../scenarios/sessions.ts';
import { buildService } from '../../scenarios/sessions/service/service.ts';
import { readSettings } from '../../scenarios/sessions/service/settings.ts';
import { createDatabase, withClient } from '../../src/database.ts';
import { migrate, readMigrations } from '../../src/migrate.ts';
import { loadSeed } from '../../src/seed/load.ts';
import type { LocalServer } from '../../src/server/server.ts';
import { projectRoot } from './command.ts';
import { startTestServer } from './postgres.ts';

/** The instant at which the seed's data ends. */
export const seedEnd = '2026-11-01T00:00:00Z';

export const token = 'token-of-the-administrator';

/** A server with the databases `first` and `last`. */
export async function startSeededServer(): Promise<LocalServer> {
  const server = await startTestServer({ max_connections: 100 });
  const migrations = await readMigrations(join(projectRoot, scenario.workload.migrations));
  await createDatabase(server, 'first');
  const first = server.connection('first');
  await migrate(first, migrations, { to: scenario.workload.baseline });
  const scenarioFile = join(projectRoot, 'scenarios', 'sessions.ts');
  await loadSeed({ scenarioFile, seed: 1, scale: 0.002, connection: first, workers: 1 });
  await withClient(server.connection(), (client) => client.query('CREATE DATABASE last TEMPLATE first'));
  await migrate(server.connection('last'), migrations);
  return server;
}

/** As the service is told in DATABASE_URL. */
export function databaseUrl(server: LocalServer, database: string): string {
  const { host, port, user, password } = server.loopbackConnection(database);
  return `postgres://${user}:${encodeURIComponent(password!)}@${host}:${port}/${database}`;
}

export function openService(url: string, env: Record<string, string> = {}): Promise<FastifyInstance> {
  const common = { DATABASE_URL: url, CLOCK_STARTS_AT: seedEnd, JOBS: 'off', LOG_LEVEL: 'silent', ADMIN_TOKEN: token };
  return buildService(readSettings({ ...common, ...env }));
}

export interface Reply {
  status: number;
  body: any;
  headers: Record<string, unknown>;
}

/** `ask('GET /health')`, `ask('PUT /users/0x...', { ensName: 'a.eth' })`. */
export const asking =
  (service: FastifyInstance) =>
  async (request: string, payload?: object, headers: Record<string, string> = {}): Promise<Reply> => {
    const [method, url] = request.split(' ') as [InjectOptions['method'], string];
    const response = await service.inject({ method, url, headers, ...(payload && { payload }) } as InjectOptions);
    return {
      status: response.statusCode,
      body: response.body === '' ? undefined : response.json(),
      headers: response.headers,
    };
  };

/** An address that no seed has. */
export const walletNumber = (number: number) => `0x${number.toString(16).padStart(40, 'f')}`;
