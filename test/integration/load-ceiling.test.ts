/** The server that does nothing, spoken to by a real client, and the ceiling measured against it. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { measureCeiling, startNoopServer } from '../../src/load/ceiling.ts';

const temporary = () => mkdtempDisposable(join(tmpdir(), 'pgrehearse-noop-'));

describe('the server that does nothing', () => {
  it('speaks enough of the protocol for pg: simple, prepared and named queries, commands, good-bye', async () => {
    await using folder = await temporary();
    await using server = await startNoopServer(folder.path);
    const client = new Client(server.target);
    await client.connect();
    const row = [{ answer: 1 }];
    expect((await client.query('SELECT 1 AS answer')).rows).toEqual(row);
    expect((await client.query('SELECT $1::int', [7])).rows).toEqual(row);
    const named = { name: 'n', text: 'SELECT $1::text', values: ['x'.repeat(100_000)] };
    expect((await client.query(named)).rows).toEqual(row);
    expect((await client.query(named)).rows).toEqual(row);
    expect((await client.query('BEGIN')).command).toBe('BEGIN');
    await client.end();
  });

  it('is gone when it is disposed of', async () => {
    await using folder = await temporary();
    const server = await startNoopServer(folder.path);
    await server[Symbol.asyncDispose]();
    await expect(new Client(server.target).connect()).rejects.toThrow();
  });

  it('says why it cannot start', async () => {
    await expect(startNoopServer('/nonexistent')).rejects.toThrow(/could not be started: listen/);
  });
});

describe('measureCeiling', () => {
  it('finds a rate that is carried out, and the lateness', async () => {
    const steps: number[] = [];
    const figures = await measureCeiling({ stepMs: 300, onStep: (step) => void steps.push(step.donePerSecond) });
    expect(figures.ceilingPerSecond).toBe(Math.max(...steps.slice(0, -1), figures.ceilingPerSecond));
    expect(figures.ceilingPerSecond).toBeGreaterThan(1000);
    expect(figures.perCorePerSecond).toBeGreaterThan(0);
    expect(figures.latenessP50Us).toBeLessThanOrEqual(figures.latenessP99Us);
  });

  it('stops when it is told to', async () => {
    await expect(measureCeiling({ signal: AbortSignal.timeout(500) })).rejects.toThrow(/timeout/);
  });
});
