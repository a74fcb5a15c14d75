/** Snapshots: seeded, analysed data folders kept in the cache, keyed by everything that shaped them. */
import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError, messageOf, PgrehearseError, UsageError } from './errors.ts';
import { ensureCacheFolder } from './server/cache.ts';
import { assertDiskSpace, formatDiskBytes } from './server/disk.ts';
import { Lease, uniqueName } from './server/leases.ts';
import { ownFolder } from './server/leftovers.ts';
import { serverUser } from './server/server-user.ts';
import { assertShutDown, pruneWal } from './snapshot/control-file.ts';
import { copyTree, reflinks, syncTree } from './snapshot/copy.ts';
import { findHolder, share, tryLock, type Lock } from './snapshot/lock.ts';
import { isWhole, manifestPath, readManifest, snapshotKey, writeManifest, type KeyParts } from './snapshot/manifest.ts';

/** A whole snapshot in the cache. */
export interface Snapshot {
  /** SHA-256 of its key parts, in hexadecimal digits. */
  key: string;
  parts: KeyParts;
  /** ISO 8601 in UTC. */
  createdAt: string;
  lastUsedAt: string;
  bytes: number;
  /** What its builder returned. */
  details: Record<string, unknown>;
  /** Its data folder, or on a server that is not ours its database. */
  dataDir: string;
}

/** A snapshot as `list` tells it. */
export interface ListedSnapshot extends Snapshot {
  /** Id of a process that uses it. */
  inUseBy?: number;
}

/**
 * Fills an empty place with a data folder: starts a server on it, loads it, stops the server.
 * @returns details to keep in the manifest, plain JSON
 */
export type SnapshotBuilder = (dataDir: string, signal?: AbortSignal) => Promise<Record<string, unknown>>;

export interface SnapshotStoreOptions {
  /** Least recently used snapshots that are not in use are dropped after a build that exceeds this. Default: no limit. */
  limitBytes?: number;
  /** Sentences for people: what is waited for, what was found damaged, what was dropped. */
  onNotice?: (sentence: string) => void;
}

/** What a run does with snapshots, wherever they are kept. */
export interface Snapshots extends AsyncDisposable {
  /** The snapshot of these parts, from now on in use: found, or built now. */
  build(parts: KeyParts, build: SnapshotBuilder, signal?: AbortSignal): Promise<Snapshot & { cached: boolean }>;
  /** Copies a snapshot to a place where nothing is yet. */
  clone(
    snapshot: Snapshot,
    target: string,
    options?: { signal?: AbortSignal; onProgress?: (copiedBytes: number, totalBytes: number) => void },
  ): Promise<CloneFigures>;
}

/** How a clone was made. */
export interface CloneFigures {
  bytes: number;
  durationMs: number;
  /** As in "reflink". */
  method: string;
}

/**
 * The snapshots below one cache folder. Several processes may use it at the same time. What a store has handed out is in
 * use, and is not dropped by anybody, until the store is disposed of.
 */
export class SnapshotStore implements Snapshots {
  readonly #cacheDir: string;
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #notice: (sentence: string) => void;
  readonly #leases = new Map<string, Lock>();

  constructor(cacheDir: string, options: SnapshotStoreOptions = {}) {
    this.#cacheDir = cacheDir;
    this.#folder = join(cacheDir, 'snapshots');
    this.#limitBytes = options.limitBytes ?? Infinity;
    this.#notice = options.onNotice ?? (() => undefined);
  }

  /**
   * Every snapshot, the most recently used first. Those with damaged data are listed too: telling would take a look at every
   * file. Those whose manifest cannot be read are not.
   */
  async list(): Promise<ListedSnapshot[]> {
    const snapshots = await Promise.all((await this.#keys()).map(async (key) => this.#describe(key)));
    return snapshots.filter((item) => item !== undefined).sort((a, b) => (a.lastUsedAt < b.lastUsedAt ? 1 : -1));
  }

  async #keys(): Promise<string[]> {
    return (await readdir(this.#folder).catch(() => [])).filter((name) => isKey(name));
  }

  async #describe(key: string): Promise<ListedSnapshot | undefined> {
    const snapshot = await this.#read(key);
    if (snapshot === undefined) return undefined;
    const inUseBy = await findHolder(await this.#lockFolder(), key);
    return inUseBy === undefined ? snapshot : { ...snapshot, inUseBy };
  }

  /** The whole snapshot of this key, from now on in use; undefined when there is none, or only a damaged one. */
  async find(key: string): Promise<Snapshot | undefined> {
    const lease = await tryLock(await this.#lockFolder(), key, 'shared');
    if (!(lease instanceof Lease)) return undefined;
    const snapshot = await this.#readWhole(key);
    await (snapshot === undefined ? lease.release() : this.#keep(key, lease));
    return snapshot;
  }

  /**
   * The snapshot of these parts, from now on in use: found in the cache, or built now. When another process is building it,
   * waits for that one. A build that fails or is killed leaves nothing.
   * @param parts everything that shapes the data, plain JSON
   * @throws EnvironmentError, the builder's error or the signal's reason
   */
  async build(parts: KeyParts, build: SnapshotBuilder, signal?: AbortSignal): Promise<Snapshot & { cached: boolean }> {
    const key = snapshotKey(parts);
    for (let waited = false; ; waited = true) {
      const found = await this.find(key);
      if (found !== undefined) return { ...found, cached: true };
      const own = await tryLock(await this.#lockFolder(), key, 'exclusive');
      if (own instanceof Lease) return this.#buildUnder(own, key, parts, build, signal);
      if (!waited) this.#notice(`Waiting for process ${own.holderPid}, which is working on the same snapshot.`);
      // Not all in step: two that try at the same moment both give way.
      await sleep(100 + Math.random() * 200);
      signal?.throwIfAborted();
    }
  }

  async #buildUnder(
    own: Lock,
    key: string,
    parts: KeyParts,
    build: SnapshotBuilder,
    signal?: AbortSignal,
  ): Promise<Snapshot & { cached: boolean }> {
    await using _ = own;
    const appeared = await this.#readWhole(key);
    const snapshot = appeared ?? (await this.#buildNow(key, parts, build, signal));
    await this.#keep(key, await share(await this.#lockFolder(), key));
    await own.release();
    if (appeared === undefined) await this.evict(this.#limitBytes);
    return { ...snapshot, cached: appeared !== undefined };
  }

  /** Under the exclusive lock: whatever lies at the target is of no use. */
  async #buildNow(key: string, parts: KeyParts, build: SnapshotBuilder, signal?: AbortSignal): Promise<Snapshot> {
    const target = this.#path(key);
    if (existsSync(target)) {
      this.#notice(`The snapshot ${key.slice(0, 12)} is damaged; it is built again.`);
      await this.#remove(key);
    }
    const temporary = join(this.#folder, `building-${key.slice(0, 12)}-${uniqueName()}`);
    await using owned = await ownFolder(this.#cacheDir, temporary, 'half-made snapshot');
    const dataDir = join(temporary, 'data');
    const details = await build(dataDir, signal);
    signal?.throwIfAborted();
    await assertShutDown(dataDir);
    await pruneWal(dataDir);
    await writeManifest(temporary, dataDir, { key, parts, details });
    await syncTree(temporary);
    await rename(temporary, target);
    await owned.keep();
    const snapshot = await this.#read(key);
    if (snapshot === undefined) throw new EnvironmentError(`The snapshot ${target} disappeared after it was built.`);
    return snapshot;
  }

  /**
   * Copies a snapshot's data folder to `target`, which must not exist; as reflinks where the file system has them.
   * @throws EnvironmentError or the signal's reason; nothing is left of `target` then
   */
  async clone(
    snapshot: Snapshot,
    target: string,
    options: { signal?: AbortSignal; onProgress?: (copiedBytes: number, totalBytes: number) => void } = {},
  ): Promise<CloneFigures> {
    const start = performance.now();
    if (existsSync(target)) throw new EnvironmentError(`${target} exists already, so no snapshot can be cloned to it.`);
    await ensureCacheFolder(dirname(target));
    const method = (await reflinks(manifestPath(this.#path(snapshot.key)), `${target}.probe`)) ? 'reflink' : 'copy';
    if (method === 'copy') await assertDiskSpace(target, snapshot.bytes, 'Cloning a snapshot');
    try {
      const owner = serverUser();
      // What is still to be written back would be written while the clone is being measured.
      const bytes = await copyTree(snapshot.dataDir, target, { ...options, ...(owner && { owner }), writeBack: true });
      return { bytes, durationMs: performance.now() - start, method };
    } catch (cause) {
      await rm(target, { recursive: true, force: true });
      options.signal?.throwIfAborted();
      if (cause instanceof PgrehearseError) throw cause;
      throw new EnvironmentError(`The snapshot could not be cloned to ${target}: ${messageOf(cause)}.`, { cause });
    }
  }

  /**
   * Drops a snapshot.
   * @throws UsageError when there is none with this key, EnvironmentError when it is in use
   */
  async drop(key: string): Promise<void> {
    if (!isKey(key) || !existsSync(this.#path(key))) {
      throw new UsageError(`There is no snapshot ${key}.`, { hint: '`pgrehearse snapshot list` shows them.' });
    }
    const holder = await this.#dropUnused(key);
    if (holder !== undefined) {
      throw new EnvironmentError(`The snapshot ${key} is in use by process ${holder}.`, {
        hint: 'Wait for it to end.',
      });
    }
  }

  /**
   * Drops the least recently used snapshots that nobody uses, until the others fit, and what has no readable manifest.
   * @returns the dropped ones
   */
  async evict(limitBytes: number): Promise<Snapshot[]> {
    const snapshots = await this.list();
    await this.#dropUnreadable(new Set(snapshots.map(({ key }) => key)));
    let total = snapshots.reduce((sum, { bytes }) => sum + bytes, 0);
    const limit = `the cache's limit of ${formatDiskBytes(limitBytes)}`;
    const dropped: Snapshot[] = [];
    for (const snapshot of snapshots.toReversed()) {
      if (total <= limitBytes) return dropped;
      if ((await this.#dropUnused(snapshot.key)) !== undefined) continue;
      total -= snapshot.bytes;
      dropped.push(snapshot);
      const size = formatDiskBytes(snapshot.bytes);
      this.#notice(
        `Dropped the snapshot ${snapshot.key.slice(0, 12)} (${size}), unused for longest, to keep ${limit}.`,
      );
    }
    if (total > limitBytes) this.#notice(`Snapshots in use take ${formatDiskBytes(total)}, more than ${limit}.`);
    return dropped;
  }

  async #dropUnreadable(readable: ReadonlySet<string>): Promise<void> {
    for (const key of (await this.#keys()).filter((key) => !readable.has(key))) {
      if ((await this.#dropUnused(key)) !== undefined) continue;
      this.#notice(`Dropped the snapshot ${key.slice(0, 12)}, whose manifest cannot be read.`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    await Promise.all(leases.map(async (lease) => lease.release()));
  }

  /** @returns process id of a holder when the snapshot is in use and was left alone */
  async #dropUnused(key: string): Promise<number | undefined> {
    const own = await tryLock(await this.#lockFolder(), key, 'exclusive');
    if (!(own instanceof Lease)) return own.holderPid;
    await using _ = own;
    // Another process may have dropped it a moment ago.
    if (existsSync(this.#path(key))) await this.#remove(key);
    return undefined;
  }

  /** Renamed first: a kill while files are removed must not leave half a snapshot under its name. */
  async #remove(key: string): Promise<void> {
    const doomed = join(this.#folder, `dropped-${key.slice(0, 12)}-${uniqueName()}`);
    await using _ = await ownFolder(this.#cacheDir, doomed, 'dropped snapshot');
    await rename(this.#path(key), join(doomed, key));
  }

  async #readWhole(key: string): Promise<Snapshot | undefined> {
    const manifest = await readManifest(this.#path(key));
    if (manifest === undefined || !(await isWhole(this.#dataDir(key), manifest))) return undefined;
    const now = new Date();
    await utimes(manifestPath(this.#path(key)), now, now);
    return this.#read(key);
  }

  async #read(key: string): Promise<Snapshot | undefined> {
    const manifest = await readManifest(this.#path(key));
    const used = await stat(manifestPath(this.#path(key))).catch(() => undefined);
    if (manifest === undefined || used === undefined) return undefined;
    const { parts, createdAt, bytes, details } = manifest;
    return { key, parts, createdAt, lastUsedAt: used.mtime.toISOString(), bytes, details, dataDir: this.#dataDir(key) };
  }

  /** One lease for each snapshot is enough. */
  async #keep(key: string, lease: Lock): Promise<void> {
    if (this.#leases.has(key)) await lease.release();
    else this.#leases.set(key, lease);
  }

  async #lockFolder(): Promise<string> {
    await ensureCacheFolder(this.#folder);
    return ensureCacheFolder(join(this.#folder, 'locks'));
  }

  #path(key: string): string {
    return join(this.#folder, key);
  }

  #dataDir(key: string): string {
    return join(this.#path(key), 'data');
  }
}

function isKey(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}
