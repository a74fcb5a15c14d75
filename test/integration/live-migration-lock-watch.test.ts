/** The looks at the lock queue beside what the server itself logs of the same waits (log_lock_waits). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { LockWatch, type LockLook } from '../../src/live-migration/lock-watch.ts';
import { heldLocks, queueOf, waitBetween } from '../../src/live-migration/queue-figures.ts';
import type { ConnectionTarget } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';

async function connect(target: ConnectionTarget, name: string): Promise<Client> {
  const client = new Client({ ...target, application_name: name });
  await client.connect();
  return client;
}

/** Milliseconds that the server says each process waited for a lock that it then got, by process. */
async function loggedWaits(dataDir: string): Promise<Map<number, number>> {
  const log = await readFile(join(dataDir, 'server.log'), 'utf8');
  const acquired = log.matchAll(/process (\d+) acquired \w+ on relation .* after ([\d.]+) ms/g);
  return new Map(Array.from(acquired, ([, pid, ms]) => [Number(pid), Number(ms)]));
}

function pidOf(client: Client): number {
  return (client as unknown as { processID: number }).processID;
}

/** Within a fifth. */
function expectAlike(seenMs: number, loggedMs: number): void {
  expect(seenMs).toBeGreaterThan(loggedMs * 0.8);
  expect(seenMs).toBeLessThan(loggedMs * 1.2);
}

describe('LockWatch', () => {
  it('sees the waits that the server logs, of the migration and of those behind it', async () => {
    await using server = await startTestServer({ log_lock_waits: true, deadlock_timeout: '10ms' });
    const target = server.connection();
    const holder = await connect(target, 'adversary: reader');
    const migration = await connect(target, 'pgrehearse migrate');
    const behind = [await connect(target, 'pgrehearse load'), await connect(target, 'pgrehearse load')];
    await holder.query('CREATE TABLE t (a int)');
    await holder.query('BEGIN');
    await holder.query('SELECT FROM t');
    const from = Date.now();
    let looks: LockLook[];
    {
      await using watch = await LockWatch.start(target);
      await migration.query('BEGIN');
      await migration.query('CREATE TABLE fresh (a text)');
      const altered = migration.query('ALTER TABLE t ADD COLUMN b int');
      await sleep(200);
      const read = behind.map((client) => client.query('SELECT FROM t'));
      await sleep(1500);
      await holder.query('COMMIT');
      await altered;
      await sleep(200);
      await migration.query('COMMIT');
      await Promise.all(read);
      looks = watch.looks;
    }
    const logged = await loggedWaits(server.dataDir);
    await Promise.all([holder, migration, ...behind].map((client) => client.end()));

    const { waitedMs, blockers } = waitBetween(looks, from, Date.now());
    expect(blockers).toEqual(['adversary: reader (idle in transaction)']);
    // A look every 20 ms, so both ends are a look off at most; a busy machine has fewer of them.
    expectAlike(waitedMs, logged.get(pidOf(migration))!);
    const { most, blockedMs } = queueOf(looks);
    expect(most).toBe(2);
    // The table that it made keeps nobody out: nobody can see it.
    expect(heldLocks(looks).map(({ relation, mode }) => `${relation} ${mode}`)).toEqual(['t AccessExclusiveLock']);
    expectAlike(
      blockedMs,
      behind.reduce((sum, client) => sum + logged.get(pidOf(client))!, 0),
    );
  });
});
