/** Probing on a real server: classes apart, slow transactions end with their budget, nothing is changed. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeStage } from '../../src/load/probe.ts';
import type { ProbeOptions } from '../../src/load/probe.ts';
import { readResult } from '../../src/result-file.ts';
import type { Server } from '../../src/server/server.ts';
import { pgrehearse, shop } from './command.ts';
import { createAccounts, fillAccounts } from './accounts.ts';
import { startTestServer } from './postgres.ts';

const scenarioFile = fileURLToPath(new URL('./load-scenario.ts', import.meta.url));

describe('probeStage', () => {
  let server: Server;

  beforeAll(async () => {
    server = await startTestServer();
    const client = new Client(server.connection());
    await client.connect();
    await createAccounts(client);
    await fillAccounts(client);
    await client.end();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const probe = (stage: string, changes: Partial<ProbeOptions> = {}) =>
    probeStage({
      scenarioFile,
      stage,
      connection: server.connection(),
      seed: 1,
      scale: 1,
      statementTimeoutMs: 3000,
      budgetMs: 200,
      ...changes,
    });

  it('times reads by class, with plan and execution time, and leaves writes alone', async () => {
    const figures = await probe('before');
    expect(figures.map(({ transaction, class: name }) => [transaction, name])).toEqual([
      ['read', 'first'],
      ['read', 'rest'],
    ]);
    for (const one of figures) {
      expect(one).toMatchObject({ stage: 'before', timedOut: 0, failed: 0, parameterSets: 20 });
      expect(one.runs).toBeGreaterThan(20);
      expect(one.minUs).toBeLessThanOrEqual(one.p50Us);
      expect(one.p50Us).toBeLessThanOrEqual(one.p95Us);
      expect(one.p95Us).toBeLessThanOrEqual(one.maxUs);
      expect(one.planUs).toBeGreaterThan(0);
      expect(one.executionUs).toBeGreaterThan(0);
    }
  });

  it('ends a slow transaction with its budget', async () => {
    const figures = await probe('slow');
    expect(figures.map(({ runs }) => runs)).toEqual([1, 1]);
    for (const { p50Us, executionUs } of figures) {
      expect(p50Us).toBeGreaterThan(990_000);
      expect(executionUs).toBeGreaterThan(990_000);
    }
  });

  it('counts what the statement timeout ended and what failed, and has no plan of it', async () => {
    const [cut] = await probe('slow', { statementTimeoutMs: 100 });
    expect(cut!.timedOut).toBe(cut!.runs);
    expect(cut!.planUs).toBeUndefined();
    const [broken] = await probe('broken');
    expect(broken!.failed).toBe(broken!.runs);
  });

  it('stops when it is told to, in the middle of a statement', async () => {
    const startedAt = performance.now();
    await expect(probe('slow', { budgetMs: 20_000, signal: AbortSignal.timeout(300) })).rejects.toThrow(/timeout/);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('the command', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgrehearse-probe-'));
    // The server's user must be able to enter it.
    await chmod(folder, 0o755);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows every read in both stages', async () => {
    const out = join(folder, 'out');
    const { exitCode, stdout } = await pgrehearse(
      ['probe', shop, '--budget', '300ms', '--out', out],
      join(folder, 'cache'),
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/open_orders +[\d.]+ [µm]s +[\d.]+ [µm]s/);
    const result = await readResult(out);
    expect(result.status).toBe('complete');
    expect(result.verdict).toBeUndefined();
    expect(result.probe!.map(({ stage, transaction }) => [stage, transaction])).toEqual([
      ['before', 'open_orders'],
      ['after', 'open_orders'],
    ]);
    const again = await pgrehearse(['report', out, '--out', join(folder, 'again')], join(folder, 'cache'));
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain('open_orders');
  });
});
