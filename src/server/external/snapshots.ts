/** Snapshots as databases of a server that is not ours: templates that nobody can connect to, copied by CREATE DATABASE. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError, messageOf } from '../../errors.ts';
import type { CloneFigures, ListedSnapshot, Snapshot, SnapshotBuilder, Snapshots } from '../../snapshot.ts';
import { snapshotKey, type KeyParts } from '../../snapshot/manifest.ts';
import { quoteIdentifier } from '../../sql.ts';
import { listMarks, writeMark } from '../mark.ts';
import type { ConnectionTarget } from '../server.ts';
import { Control, namePrefix } from './control.ts';

/**
 * From here on files are copied, with a checkpoint before and after; below, every page goes through the write-ahead log,
 * which is quick for small ones and spares the server the checkpoints (PostgreSQL manual, CREATE DATABASE, STRATEGY).
 */
const fileCopyBytes = 256 * 2 ** 20;

/** A snapshot's `dataDir` is the name of its database. What was handed out is in use until the store is disposed of. */
export class ExternalSnapshots implements Snapshots {
  readonly #control: Control;
  readonly #notice: (sentence: string) => void;

  private constructor(control: Control, notice: (sentence: string) => void) {
    this.#control = control;
    this.#notice = notice;
  }

  static async open(target: ConnectionTarget, notice: (sentence: string) => void): Promise<ExternalSnapshots> {
    return new ExternalSnapshots(await Control.open(target), notice);
  }

  async build(parts: KeyParts, build: SnapshotBuilder, signal?: AbortSignal): Promise<Snapshot & { cached: boolean }> {
    const key = snapshotKey(parts);
    const name = databaseOf(key);
    for (let waited = false; ; waited = true) {
      const found = await this.#use(name, key);
      if (found !== undefined) return { ...found, cached: true };
      if (await this.#control.tryLock(name, 'exclusive')) return this.#buildUnder(name, key, parts, build, signal);
      if (!waited) this.#notice('Waiting for somebody else, who is working on the same snapshot.');
      await sleep(500 + Math.random() * 500);
      signal?.throwIfAborted();
    }
  }

  /** Every snapshot on this server, the newest first. */
  async list(): Promise<ListedSnapshot[]> {
    const marks = await listMarks(await this.#control.client());
    const found: Snapshot[] = [];
    for (const [name, content] of marks) {
      const snapshot = await this.#read(name, content?.key);
      if (snapshot !== undefined) found.push(snapshot);
    }
    return found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  /** @throws EnvironmentError when somebody uses it */
  async drop(key: string): Promise<void> {
    const name = databaseOf(key);
    if (!(await this.#control.tryLock(name, 'exclusive'))) {
      throw new EnvironmentError(`The snapshot ${key} is in use.`, {
        hint: 'Wait until the run that uses it has ended.',
      });
    }
    await this.#control.drop(name);
    await this.#control.unlock(name, 'exclusive');
  }

  /** The snapshot, if it is whole, locked against dropping. */
  async #use(name: string, key: string): Promise<Snapshot | undefined> {
    if (!(await this.#control.tryLock(name, 'shared'))) return undefined;
    const snapshot = await this.#read(name, key);
    if (snapshot === undefined) await this.#control.unlock(name, 'shared');
    return snapshot;
  }

  async #read(name: string, key: string | undefined): Promise<Snapshot | undefined> {
    const content = (await listMarks(await this.#control.client())).get(name);
    if (key === undefined || content?.use !== 'snapshot' || content.key !== key) return undefined;
    const client = await this.#control.client();
    const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size($1) AS bytes', [name]);
    const { createdAt, parts = {}, details = {} } = content;
    return { key, parts, createdAt, lastUsedAt: createdAt, bytes: Number(rows[0]!.bytes), details, dataDir: name };
  }

  async #buildUnder(
    name: string,
    key: string,
    parts: KeyParts,
    build: SnapshotBuilder,
    signal?: AbortSignal,
  ): Promise<Snapshot & { cached: boolean }> {
    try {
      // What a killed run left half-made; somebody else's database of this name is left alone, with an error.
      await this.#control.drop(name);
      const details = await build(name, signal);
      signal?.throwIfAborted();
      const client = await this.#control.client();
      await client.query(`ALTER DATABASE ${quoteIdentifier(name)} ALLOW_CONNECTIONS false`);
      await writeMark(client, name, { use: 'snapshot', createdAt: new Date().toISOString(), key, parts, details });
    } catch (error) {
      await this.#control.drop(name).catch(() => undefined);
      throw error;
    } finally {
      await this.#control.unlock(name, 'exclusive').catch(() => undefined);
    }
    const snapshot = await this.#use(name, key);
    if (snapshot === undefined) throw new EnvironmentError(`The snapshot ${name} disappeared after it was built.`);
    return { ...snapshot, cached: false };
  }

  async clone(snapshot: Snapshot, target: string, options: { signal?: AbortSignal } = {}): Promise<CloneFigures> {
    options.signal?.throwIfAborted();
    const start = performance.now();
    const strategy = snapshot.bytes >= fileCopyBytes ? 'FILE_COPY' : 'WAL_LOG';
    try {
      await this.#control.create(target, { template: snapshot.dataDir, strategy });
    } catch (cause) {
      await this.#control.drop(target).catch(() => undefined);
      throw new EnvironmentError(`The snapshot could not be cloned: ${messageOf(cause)}.`, { cause });
    }
    const method = strategy === 'FILE_COPY' ? 'file copy' : 'write-ahead log';
    return { bytes: snapshot.bytes, durationMs: performance.now() - start, method };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control[Symbol.asyncDispose]();
  }
}

/** Names have at most 63 bytes. */
function databaseOf(key: string): string {
  return namePrefix + key.slice(0, 24);
}

/** A name for a clone, which is dropped when this is disposed of, or by the next run when we are killed. */
export async function reserveDatabase(target: ConnectionTarget): Promise<AsyncDisposable & { location: string }> {
  const control = await Control.open(target);
  const location = `${namePrefix}run_${randomBytes(6).toString('hex')}`;
  await control.tryLock(location, 'exclusive');
  return {
    location,
    async [Symbol.asyncDispose]() {
      await using ended = control;
      await ended.drop(location);
    },
  };
}
