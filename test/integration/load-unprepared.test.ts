/** Load without prepared statements, as behind a pooler that hands out a connection for one transaction only. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { collectAnswers, compareAnswers } from '../../src/load/answers.ts';
import { runBlock } from '../../src/load/engine.ts';
import { defaultLoad, defaultSlo } from '../../src/scenario.ts';
import type { Server } from '../../src/server/server.ts';
import { createAccounts, fillAccounts } from './accounts.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const common = {
  scenarioFile: fileURLToPath(new URL('./load-scenario.ts', import.meta.url)),
  seed: 1,
  scale: 1,
};
const unprepared = {
  ...defaultLoad,
  ratePerSecond: 200,
  durationMs: 1000,
  warmupMs: 200,
  connections: 4,
  prepared: false,
};

let server: Server;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let control: Client;

beforeAll(async () => {
  server = await startTestServer();
  folder = await temporaryFolder();
  control = new Client(server.connection());
  await control.connect();
  await createAccounts(control);
});

beforeEach(async () => {
  await control.query('TRUNCATE accounts');
  await fillAccounts(control);
});

afterAll(async () => {
  await control?.end();
  await server?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

const drive = (stage: string, load = unprepared) =>
  runBlock({
    planChoices: true,
    ...common,
    stage,
    connection: server.connection(),
    id: stage,
    blockNumber: 0,
    load,
    slo: defaultSlo,
    samplesPath: join(folder.path, `${stage}.bin`),
  });

const sumOfBalances = async () => {
  const { rows } = await control.query<{ sum: number }>('SELECT sum(balance)::int AS sum FROM accounts');
  return rows[0]!.sum;
};

it('needs nothing that outlives a transaction', async () => {
  const { counts, transactions } = await drive('pooled');
  expect(counts).toMatchObject({ succeeded: counts.scheduled });
  expect(await sumOfBalances()).toBeGreaterThan(transactions[1]!.counts.succeeded);
  const named = await drive('pooled', { ...unprepared, prepared: true });
  expect(Object.keys(named.transactions[0]!.errors)).toEqual(['26000']);
});

it('knows of prepared statements only whether they were planned for each call', async () => {
  const prepared = await drive('before', { ...unprepared, prepared: true });
  const transferred = prepared.transactions[1]!.counts.succeeded;
  expect(prepared.planChoices).toMatchObject([
    { transaction: 'read', statement: 'byId' },
    { transaction: 'transfer', statement: 'read' },
    { transaction: 'transfer', statement: 'take' },
  ]);
  for (const { custom, generic } of prepared.planChoices!.slice(1)) {
    // The warm-up counts too. Five calls of each connection are planned for themselves in any case.
    expect(custom + generic).toBeGreaterThanOrEqual(transferred);
    expect(custom).toBeGreaterThanOrEqual(5);
  }
  expect(await drive('before')).not.toHaveProperty('planChoices');
});

it.each([
  ['broken', 'TypeError'],
  ['careless', '25P02'],
])('rolls back what fails half-way: %s', async (stage, code) => {
  const [, transfer] = (await drive(stage)).transactions;
  expect(transfer!.errors[code]!.count).toBe(transfer!.counts.scheduled);
  expect(await sumOfBalances()).toBe(0);
});

it.each(['default-level', 'serializable-level', 'repeatable-level'])(
  'begins transactions at the isolation level that they ask for: %s',
  async (stage) => {
    const { counts } = await drive(stage);
    expect(counts).toMatchObject({ succeeded: counts.scheduled });
  },
);

const answers = (stage: string, prepared: boolean) =>
  collectAnswers({ ...common, stage, connection: server.connection(), setsPerTransaction: 40, prepared });

it('answers as prepared statements do', async () => {
  const [comparison] = compareAnswers(await answers('before', true), await answers('pooled', false));
  expect(comparison).toMatchObject({ compared: 40, different: 0 });
});
