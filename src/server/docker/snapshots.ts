/**
 * Snapshots as volumes of a Docker engine. A whole one has a second, empty volume, whose label says what it is: labels cannot
 * be added later, and making a volume is one step, so that a half-made snapshot is never taken for a whole one.
 */
import { join } from 'node:path';
import { EnvironmentError, messageOf } from '../../errors.ts';
import type {
  CloneFigures,
  ListedSnapshot,
  Snapshot,
  SnapshotBuilder,
  Snapshots,
  SnapshotStoreOptions,
} from '../../snapshot.ts';
import { share, tryLock, type Lock } from '../../snapshot/lock.ts';
import { snapshotKey, type KeyParts } from '../../snapshot/manifest.ts';
import { ensureCacheFolder } from '../cache.ts';
import { formatDiskBytes } from '../disk.ts';
import { Lease, uniqueName } from '../leases.ts';
import { ownObject } from '../leftovers.ts';
import { docker, labels } from './engine.ts';
import type { DockerImage } from './image.ts';

const label = 'pgrehearse.snapshot';

const markerPrefix = 'pgrehearse-snapshot-';

export class DockerSnapshots implements Snapshots {
  readonly #image: DockerImage;
  readonly #cacheDir: string;
  readonly #limitBytes: number;
  readonly #notice: (sentence: string) => void;
  readonly #inUse: Lock[] = [];

  constructor(image: DockerImage, cacheDir: string, options: SnapshotStoreOptions = {}) {
    this.#image = image;
    this.#cacheDir = cacheDir;
    this.#limitBytes = options.limitBytes ?? Infinity;
    this.#notice = options.onNotice ?? (() => undefined);
  }

  async build(parts: KeyParts, build: SnapshotBuilder, signal?: AbortSignal): Promise<Snapshot & { cached: boolean }> {
    // A data folder belongs to the libraries and extensions of its image.
    const ofImage = { ...parts, image: this.#image.id };
    const key = snapshotKey(ofImage);
    // From here on it is in use: nobody with the same cache drops it to make room.
    this.#inUse.push(await share(await this.#lockFolder(), key));
    const found = await findSnapshot(key);
    if (found !== undefined) return { ...found, cached: true };
    await using volume = await ownVolume(this.#cacheDir, 'snapshot');
    const details = await build(volume.name, signal);
    const kilobytes = await this.#inVolumes('sync && du -sk /from', { from: volume.name }, signal);
    const content = {
      key,
      parts: ofImage,
      createdAt: new Date().toISOString(),
      bytes: Number.parseInt(kilobytes, 10) * 1024,
      details,
      dataDir: volume.name,
    };
    await docker(['volume', 'create', '--label', `${label}=${JSON.stringify(content)}`, markerPrefix + key]);
    const snapshot = await findSnapshot(key);
    if (snapshot === undefined) throw new EnvironmentError('The snapshot disappeared after it was built.');
    // Somebody else may have been quicker: then theirs is taken, and ours goes.
    const ours = snapshot.dataDir === volume.name;
    if (ours) await volume.keep();
    await this.#evict();
    return { ...snapshot, cached: !ours };
  }

  /** Drops the oldest snapshots that nobody with the same cache uses, until the others fit: an engine does not tell when one was used. */
  async #evict(): Promise<void> {
    if (this.#limitBytes === Infinity) return;
    const snapshots = await listSnapshots();
    let total = snapshots.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { key, bytes } of snapshots.toReversed()) {
      if (total <= this.#limitBytes) return;
      const own = await tryLock(await this.#lockFolder(), key, 'exclusive');
      if (!(own instanceof Lease)) continue;
      await using _ = own;
      await dropSnapshot(key);
      total -= bytes;
      const limit = formatDiskBytes(this.#limitBytes);
      this.#notice(
        `Dropped the snapshot ${key.slice(0, 12)} (${formatDiskBytes(bytes)}), the oldest, to keep the cache's limit of ${limit}.`,
      );
    }
  }

  async #lockFolder(): Promise<string> {
    return ensureCacheFolder(join(this.#cacheDir, 'docker-locks'));
  }

  async clone(snapshot: Snapshot, target: string, { signal }: { signal?: AbortSignal } = {}): Promise<CloneFigures> {
    const start = performance.now();
    // A volume that is missing would be made, empty, in silence.
    if ((await findSnapshot(snapshot.key)) === undefined) {
      throw new EnvironmentError('The snapshot was dropped by somebody else.', {
        hint: 'Run again to make a new one.',
      });
    }
    await this.#inVolumes('cp -a /from/. /to/ && sync', { from: snapshot.dataDir, to: target }, signal);
    return { bytes: snapshot.bytes, durationMs: performance.now() - start, method: 'copy in a container' };
  }

  /** Runs a shell command in the image, with volumes at /from, which can only be read, and /to. */
  async #inVolumes(
    command: string,
    { from, to }: { from: string; to?: string },
    signal?: AbortSignal,
  ): Promise<string> {
    await using container = await ownObject(this.#cacheDir, 'container', `pgrehearse-${uniqueName()}`);
    const options = [
      `--name=${container.name}`,
      ...labels('copy'),
      '--network=none',
      '--user=0',
      `--mount=type=volume,source=${from},target=/from,readonly`,
      ...(to === undefined ? [] : [`--mount=type=volume,source=${to},target=/to`]),
    ];
    // Awaited here: the container goes when this function ends.
    return await docker(['run', ...options, '--entrypoint=sh', this.#image.id, '-c', command], { signal });
  }

  /** Snapshots stay on the engine. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#inUse.splice(0).map(async (lease) => lease.release()));
  }
}

/** A new volume, which is removed when this is disposed of, or by the next run when we are killed. */
export async function ownVolume(cacheDir: string, use: 'snapshot' | 'clone') {
  await using cleanup = new AsyncDisposableStack();
  const volume = cleanup.use(await ownObject(cacheDir, 'volume', `pgrehearse-${use}-${uniqueName()}`));
  await docker(['volume', 'create', ...labels(use), volume.name]);
  cleanup.move();
  return volume;
}

/** The whole snapshots on this engine, the newest first. */
export async function listSnapshots(): Promise<ListedSnapshot[]> {
  const names = await docker(['volume', 'ls', '--quiet', '--filter', `label=${label}`]);
  const found = await Promise.all(
    names
      .split('\n')
      .filter((name) => name !== '')
      .map(readMarker),
  );
  return found.filter((snapshot) => snapshot !== undefined).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/** @throws EnvironmentError when somebody uses it */
export async function dropSnapshot(key: string): Promise<void> {
  const snapshot = await findSnapshot(key);
  if (snapshot === undefined) return;
  await docker(['volume', 'rm', snapshot.dataDir]).catch((cause: unknown) => {
    if (!/in use/.test(messageOf(cause))) throw cause;
    throw new EnvironmentError(`The snapshot ${key} is in use.`, {
      hint: 'Wait until the run that uses it has ended.',
      cause,
    });
  });
  await docker(['volume', 'rm', '--force', markerPrefix + key]);
}

async function findSnapshot(key: string): Promise<Snapshot | undefined> {
  return readMarker(markerPrefix + key);
}

/** A marker whose data is gone is removed. */
async function readMarker(marker: string): Promise<Snapshot | undefined> {
  const text = await labelOf(marker);
  if (text === undefined) return undefined;
  const content = JSON.parse(text) as Omit<Snapshot, 'lastUsedAt'>;
  if ((await labelOf(content.dataDir)) !== undefined) return { ...content, lastUsedAt: content.createdAt };
  await docker(['volume', 'rm', '--force', marker]);
  return undefined;
}

/** Undefined where there is no such volume. */
async function labelOf(volume: string): Promise<string | undefined> {
  try {
    return await docker(['volume', 'inspect', '--format', `{{index .Labels "${label}"}}`, volume]);
  } catch (error) {
    if (/no such volume/i.test(messageOf(error))) return undefined;
    throw error;
  }
}
