/** `pgrehearse http` against services without a database of ours: real processes, real sockets. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunResult } from '../../src/result.ts';
import { exists } from '../../src/server/processes.ts';
import { freePort } from '../../src/server/ports.ts';
import { pgrehearse, projectRoot } from './command.ts';
import { temporaryFolder } from './postgres.ts';

const tiny = 'test/fixtures/tiny-http.ts';
let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let cache: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  cache = join(temporary.path, 'cache');
});
afterAll(() => temporary[Symbol.asyncDispose]());

/** Loads stages of the tiny service; the result is read from its folder, as after a failure there is nothing on stdout. */
async function load(name: string, stages: string, ...flags: string[]) {
  const out = join(temporary.path, name);
  const { exitCode, stderr } = await pgrehearse(['http', tiny, '--stages', stages, '--out', out, ...flags], cache);
  const result = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as RunResult;
  return { exitCode, stderr, result, report: await readFile(join(out, 'report.md'), 'utf8') };
}

const blockOf = ({ blocks }: RunResult, stage: string) => blocks.find((block) => block.stage === stage)!;
const gateOf = ({ verdict }: RunResult, gate: string) => verdict!.gates.find(({ name }) => name === gate)!;
const errorsOf = (result: RunResult, stage: string) =>
  blockOf(result, stage).transactions.find(({ name }) => name === 'read_item')!.errors;

describe('a service that we start for each stage', () => {
  it('answers well, and gets the same requests in both stages', async () => {
    const { exitCode, result, report } = await load('good', 'before,after');
    expect(result.status).toBe('complete');
    // A second is too little to judge the SLO by, and a machine that has other work makes the generator late.
    expect([3, 4]).toContain(exitCode);
    expect(gateOf(result, 'correctness')).toMatchObject({ outcome: 'pass' });
    const [before, after] = [blockOf(result, 'before'), blockOf(result, 'after')];
    expect(before.counts.succeeded).toBe(before.counts.scheduled);
    expect(after.counts).toEqual(before.counts);
    expect(before.transactions.map(({ counts }) => counts.scheduled)).toEqual(
      after.transactions.map(({ counts }) => counts.scheduled),
    );
    expect(result.answers).toMatchObject([{ transaction: 'read_item', stage: 'after', compared: 200, different: 0 }]);
    // 200 answers are compared before the load; nobody else asks.
    const sent = after.transactions.reduce((sum, transaction) => sum + transaction.sent!, 0);
    expect(result.readings!.filter(({ stage }) => stage === 'after')).toMatchObject([
      { name: 'requests', value: 200 + sent },
    ]);
    expect(result.readings!.find(({ name }) => name === 'hits')!.error).toContain('no number there');
    expect(report).toContain('read_item');
    expect(report).not.toContain('PostgreSQL');
  });

  it('counts errors by status, once each', async () => {
    const { exitCode, result } = await load('fails', 'fails', '--slo', 'p95<1s');
    const { scheduled, succeeded, failed, timedOut, unfinished } = blockOf(result, 'fails').counts;
    expect(failed).toBeGreaterThan(0);
    expect(errorsOf(result, 'fails')).toMatchObject({ 'HTTP 503': { count: failed } });
    expect(succeeded + failed + timedOut + unfinished).toBe(scheduled);
    expect(blockOf(result, 'fails').missed).toBeGreaterThanOrEqual(failed);
    expect([3, 4]).toContain(exitCode);
  });

  it.each([
    { stages: 'wrong', says: 'read_item was answered wrongly in stage wrong' },
    { stages: 'stale', says: '60 s old, 30 s allowed' },
    { stages: 'before,differs', says: 'read_item answers differently in stage differs' },
  ])('breaks correctness in $stages', async ({ stages, says }) => {
    const { exitCode, result, report } = await load(stages, stages);
    expect(exitCode).toBe(6);
    expect(gateOf(result, 'correctness')).toMatchObject({ outcome: 'fail', reason: expect.stringContaining(says) });
    expect(report).toContain(says.split(' ')[0]);
  });

  it('takes a refusal for no answer: a service that is busy says nothing of its data', async () => {
    const { exitCode, result } = await load('busy', 'before,busy');
    expect(exitCode).not.toBe(6);
    const [{ compared, different, unanswered }] = result.answers as [RunResult['answers'][number]];
    expect([compared + unanswered, different]).toEqual([200, 0]);
    expect(unanswered).toBeGreaterThan(0);
  });

  it('is driven in a closed loop too, told apart from the open one', async () => {
    const { result, report } = await load('closed', 'before', '--closed-loop', '1s');
    const [figures] = result.closedLoop!;
    expect(figures).toMatchObject({ stage: 'before', connections: 20, failed: 0, timedOut: 0 });
    expect(figures!.answered).toBeGreaterThan(20);
    expect(figures!.p50Us).toBeLessThanOrEqual(figures!.p95Us);
    expect(report).toContain('## Closed loop');
  });

  it('leaves nothing behind, also of what it has started itself', async () => {
    const { result } = await load('wrapped', 'wrapped');
    const { counts } = blockOf(result, 'wrapped');
    expect(counts.succeeded).toBe(counts.scheduled);
    expect(exists(result.readings!.find(({ name }) => name === 'pid')!.value!)).toBe(false);
  });

  it('goes on when what it needs beside it ends, which is told', async () => {
    const { exitCode, result } = await load('beside', 'beside');
    expect(exitCode).not.toBe(5);
    expect(result.readings!.find(({ name }) => name === 'store_port')!.value).toBeGreaterThan(0);
    expect(blockOf(result, 'beside').outcome).toBe('complete');
    expect(result.warnings).toContainEqual(
      expect.objectContaining({ code: 'companion-ended', message: expect.stringContaining('(STORE_PORT)') }),
    );
  });

  it('ends with its last words when it dies in mid-run, and keeps the finished stages', async () => {
    const { exitCode, stderr, result } = await load('dies', 'before,dies');
    expect(exitCode).toBe(5);
    expect(stderr).toContain('The service of stage dies ended with code 3');
    expect(stderr).toContain('the disk is on fire');
    expect(result.status).toBe('failed');
    expect(blockOf(result, 'before')).toMatchObject({ outcome: 'complete' });
  });

  it('ends so too when somebody kills it', async () => {
    const out = join(temporary.path, 'service-killed');
    const args = ['http', tiny, '--stages', 'before,after', '--duration', '3s', '--out', out];
    const running = pgrehearse(args, cache);
    let told = '';
    running.stderr!.on('data', (text: Buffer) => (told += text.toString()));
    await vi.waitFor(() => expect(told).toContain('after: Drive'), { timeout: 60_000, interval: 20 });
    process.kill(await untilLoaded(running.pid!), 'SIGKILL');
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(5);
    expect(stderr).toContain('The service of stage after ended with SIGKILL although nobody stopped it');
    const result = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as RunResult;
    expect(result.status).toBe('failed');
    expect(blockOf(result, 'before')).toMatchObject({ outcome: 'complete' });
  });

  it('says what it printed when it is not ready in time', async () => {
    const { exitCode, stderr } = await load('mute', 'mute');
    expect(exitCode).toBe(5);
    expect(stderr).toContain('not ready within 5 s');
    expect(stderr).toContain('mute, with a database: false');
  });

  it('counts a stall from the intended starts: about as many late answers as requests that were due meanwhile', async () => {
    const { result } = await load('stalls', 'stalls', '--slo', 'p95<100ms', '--duration', '2s');
    const { response, service } = blockOf(result, 'stalls').total;
    const { missed } = blockOf(result, 'stalls');
    // 200 a second for one second of stall, the last tenth of which is fast enough; 20 connections wait in the service itself.
    expect(missed).toBeGreaterThan(100);
    expect(response.maxUs).toBeGreaterThan(900_000);
    expect(service.p50Us).toBeLessThan(500_000);
  });

  it('is gone after Ctrl-C, with everything that it started', async () => {
    const out = join(temporary.path, 'interrupted');
    const running = pgrehearse(['http', tiny, '--stages', 'before', '--duration', '60s', '--out', out], cache);
    const pid = await untilLoaded(running.pid!);
    running.kill('SIGINT');
    const { exitCode } = await running;
    expect(exitCode).toBe(130);
    expect(exists(pid)).toBe(false);
    const result = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as RunResult;
    expect(result.status).toBe('interrupted');
  });

  it('is stopped by the next command after a kill -9, and only then', async () => {
    const args = ['http', tiny, '--stages', 'beside', '--out', join(temporary.path, 'killed')];
    const running = pgrehearse([...args, '--duration', '60s'], cache);
    const pid = await untilLoaded(running.pid!);
    running.kill('SIGKILL');
    await running;
    expect(exists(pid)).toBe(true);
    const { stderr } = await load('after-kill', 'before');
    expect(stderr).toContain(`An earlier run (process ${running.pid}) was killed: `);
    expect(stderr).toContain(`stopped the service of stage beside (process ${pid})`);
    expect(exists(pid)).toBe(false);
  });
});

const loadUrl = (url: string, out: string) =>
  pgrehearse(['http', tiny, '--stages', 'before', '--out', out, '--json'], cache, {
    env: { PGREHEARSE_CACHE: cache, TINY_URL: url },
  });

describe('a service that runs already', () => {
  it('is loaded, and left running', async () => {
    const port = await freePort();
    const program = [join(projectRoot, 'test/fixtures/tiny-service.ts')];
    const service = spawn(process.execPath, program, { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
    try {
      const { stdout } = await loadUrl(`http://127.0.0.1:${port}`, join(temporary.path, 'url'));
      const result = JSON.parse(String(stdout)) as RunResult;
      const { counts } = blockOf(result, 'before');
      expect(counts.succeeded).toBe(counts.scheduled);
      expect(result.stages[0]!.service).toEqual({ url: `http://127.0.0.1:${port}`, env: {} });
      expect(service.exitCode).toBeNull();
    } finally {
      service.kill();
    }
  });

  it('is not loaded on another machine', async () => {
    const { exitCode, stderr } = await loadUrl('http://192.0.2.1:80', join(temporary.path, 'remote'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--allow-remote');
  });

  it('is told when it is not there', async () => {
    const port = await freePort();
    const { exitCode, stderr } = await loadUrl(`http://127.0.0.1:${port}`, join(temporary.path, 'absent'));
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/not ready within 5 s .*ECONNREFUSED/);
  });
});

describe('wrong use ends with exit code 2', () => {
  it.each([
    { what: 'a scenario without a service', args: ['test/fixtures/shop.ts'], says: 'has no service' },
    { what: 'a misspelt stage', args: [tiny, '--stages', 'befor'], says: 'has no stage befor' },
    { what: 'no connections', args: [tiny, '--connections', '0'], says: 'connections' },
    { what: 'several faults', args: [tiny, '--stages', 'befor', '--workers', '30'], says: '2 things are wrong' },
  ])('$what', async ({ args, says }) => {
    const { exitCode, stderr } = await pgrehearse(['http', ...args], cache);
    expect(stderr).toContain(says);
    expect(exitCode).toBe(2);
  });
});

/** Waits until the command has started its service. @returns its process id */
async function untilLoaded(parent: number): Promise<number> {
  for (;;) {
    const text = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '');
    for (const child of text.trim().split(' ').filter(Boolean)) {
      const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      if (command.includes('tiny-service')) return sleep(1500, Number(child));
    }
    await sleep(50);
  }
}
