import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectAnswers, compareAnswers } from '../../src/load/answers.ts';
import type { AnswerOptions } from '../../src/load/answers.ts';
import type { Server } from '../../src/server/server.ts';
import { createAccounts, fillAccounts } from './accounts.ts';
import { startTestServer } from './postgres.ts';

const scenarioFile = fileURLToPath(new URL('./load-scenario.ts', import.meta.url));

let server: Server;
let control: Client;

beforeAll(async () => {
  server = await startTestServer();
  control = new Client(server.connection());
  await control.connect();
  await createAccounts(control);
  await fillAccounts(control);
});

afterAll(async () => {
  await control?.end();
  await server?.[Symbol.asyncDispose]();
});

describe('collectAnswers', () => {
  const asked = { scenarioFile, seed: 1, scale: 1, setsPerTransaction: 40 };
  const of = (stage: string, changes: Partial<AnswerOptions> = {}) =>
    collectAnswers({ ...asked, stage, connection: server.connection(), ...changes });

  it('gives the same answers twice, for reads only', async () => {
    const [first, second] = [await of('before'), await of('before', { concurrency: 3 })];
    expect(Object.keys(first.transactions)).toEqual(['read']);
    expect(compareAnswers(first, second)).toEqual([
      { transaction: 'read', stage: 'before', compared: 40, different: 0, unanswered: 0 },
    ]);
    expect(first.transactions['read']![0]).toMatchObject({
      status: 'answered',
      parameters: expect.stringMatching(/^\{"id":\d+\}$/),
    });
  });

  it('finds a wrong answer and shows it', async () => {
    const sets = { setsPerTransaction: 400 };
    const [comparison] = compareAnswers(await of('before', sets), await of('wrong', sets));
    expect(comparison!.compared).toBe(400);
    expect(comparison!.different).toBeGreaterThan(0);
    expect(comparison!.different).toBeLessThan(20);
    expect(comparison!.example).toEqual({
      parameters: '{"id":50}',
      before: '[{"balance":0,"id":50,"name":"account 50"}]',
      after: '[{"balance":1,"id":50,"name":"account 50"}]',
    });
  });

  it('takes an error for an answer and a timeout for none', async () => {
    const before = await of('before');
    expect(compareAnswers(before, await of('broken'))[0]).toMatchObject({ compared: 40, different: 40 });
    const slow = await of('slow', { statementTimeoutMs: 100, setsPerTransaction: 4 });
    expect(slow.transactions['read']).toEqual(
      Array.from({ length: 4 }, () => ({ status: 'unanswered', reason: 'timeout' })),
    );
    expect(compareAnswers(before, slow)[0]).toMatchObject({ compared: 0, unanswered: 40 });
  });

  it('stops at its budget', async () => {
    const startMs = performance.now();
    const slow = await of('slow', { budgetMs: 1500 });
    expect(performance.now() - startMs).toBeLessThan(5000);
    const answered = slow.transactions['read']!.filter(({ status }) => status === 'answered');
    expect(answered.length).toBeGreaterThanOrEqual(2);
    expect(slow.transactions['read']!.length).toBe(40);
  });

  it('stops when it is told to', async () => {
    await expect(of('slow', { signal: AbortSignal.timeout(300) })).rejects.toThrow(/timeout/);
    await expect
      .poll(async () => {
        const { rows } = await control.query(
          "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgrehearse load'",
        );
        return rows;
      })
      .toEqual([{ n: 0 }]);
  });
});
