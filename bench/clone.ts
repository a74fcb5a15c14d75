/**
 * Cloning beside `cp -a`: a snapshot of webhooks, copied by SnapshotStore and by cp, taking turns; once with everything
 * written back to the disk, as a run clones, and once into the page cache only.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { planRun, seedSnapshot } from 'pgrehearse';
import { SnapshotStore, type Snapshot } from '../src/snapshot.ts';
import { copyTree } from '../src/snapshot/copy.ts';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { BenchResult } from './main.ts';
import { median } from '../src/stats/median.ts';

const execute = promisify(execFile);

type Copy = (from: Snapshot, target: string, store: SnapshotStore) => Promise<unknown>;

const written: Record<string, Copy> = {
  clone: (snapshot, target, store) => store.clone(snapshot, target),
  cp: async ({ dataDir }, target) => {
    await execute('cp', ['-a', dataDir, target]);
    // The files that the clone waits for: `sync -f` would wait for everybody else's writes too.
    const find = 'find "$1" -type f -size +999999c -print0';
    await execute('sh', ['-c', `${find} | xargs -0 -r -P 4 -n 1 sync`, 'sh', target]);
  },
};
const cached: Record<string, Copy> = {
  copy: ({ dataDir }, target) => copyTree(dataDir, target),
  cp: ({ dataDir }, target) => execute('cp', ['-a', dataDir, target]),
};

export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  await using folder = await temporaryFolder();
  await using store = new SnapshotStore(folder.path);
  const snapshot = await makeSnapshot(store, folder.path, scale ?? (quick ? 0.02 : 0.25));
  const place = { store, snapshot, target: join(folder.path, 'copy'), turns: quick ? 3 : 5 };
  const toDisk = await takeTurns(written, place);
  const toCache = await takeTurns(cached, place);
  const probe = await store.clone(snapshot, place.target);
  const rate = (ms: number | undefined): number => Math.round(snapshot.bytes / 1000 / ms!);
  return {
    figures: {
      snapshotMegabytes: Math.round(snapshot.bytes / 1e6),
      reflinks: probe.method === 'reflink' ? 1 : 0,
      cloneMegabytesPerSecond: rate(toDisk['clone']),
      cpWrittenBackMegabytesPerSecond: rate(toDisk['cp']),
      copyMegabytesPerSecond: rate(toCache['copy']),
      cpMegabytesPerSecond: rate(toCache['cp']),
    },
    ratios: {
      cloneAgainstCpWrittenBack: toDisk['cp']! / toDisk['clone']!,
      copyAgainstCp: toCache['cp']! / toCache['copy']!,
    },
  };
}

async function makeSnapshot(store: SnapshotStore, cacheDir: string, scale: number): Promise<Snapshot> {
  const plan = await planRun({ scenario: 'webhooks', folder: cacheDir, config: { cacheDir }, scale });
  await seedSnapshot(plan);
  const [made] = await store.list();
  return (await store.find(made!.key))!;
}

/** Median milliseconds of each way to copy. */
async function takeTurns(
  ways: Record<string, Copy>,
  { store, snapshot, target, turns }: { store: SnapshotStore; snapshot: Snapshot; target: string; turns: number },
): Promise<Record<string, number>> {
  const times = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, copy] of Object.entries(ways)) {
      const startedMs = performance.now();
      await copy(snapshot, target, store);
      times.get(name)!.push(performance.now() - startedMs);
      // What is left to write must not burden the next.
      await rm(target, { recursive: true });
      await execute('sync', ['-f', dirname(target)]);
    }
  }
  return Object.fromEntries([...times].map(([name, ms]) => [name, median(ms)]));
}
