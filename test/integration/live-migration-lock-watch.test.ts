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
    expect(heldLocks(looks, Date.now()).map(({ relation, mode }) => `${relation} ${mode}`)).toEqual([
      't AccessExclusiveLock',
    ]);
    expectAlike(
      blockedMs,
      behind.reduce((sum, client) => sum + logged.get(pidOf(client))!, 0),
    );
  });

  it('looks seldom while nothing changes, and still sees when a lock is taken and given back', async () => {
    await using server = await startTestServer();
    const target = server.connection();
    const migration = await connect(target, 'pgrehearse migrate');
    await migration.query('CREATE TABLE t (a int)');
    let looks: LockLook[];
    let [takenMs, givenMs] = [0, 0];
    {
      await using watch = await LockWatch.start(target);
      await sleep(700);
      await migration.query('BEGIN');
      await migration.query('LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE');
      takenMs = Date.now();
      await sleep(1300);
      await migration.query('COMMIT');
      givenMs = Date.now();
      await sleep(700);
      looks = watch.looks;
    }
    await migration.end();

    // 2.7 s are 135 looks of 20 ms; here they are those of each half second, of each change, and those that a busy machine adds.
    expect(looks.length).toBeLessThan(40);
    expect(heldLocks(looks, Date.now()).map(({ relation, mode }) => `${relation} ${mode}`)).toEqual([
      't ShareUpdateExclusiveLock',
    ]);
    expectAlike(heldLocks(looks, Date.now())[0]!.heldMs, givenMs - takenMs);
  });
});
