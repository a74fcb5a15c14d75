/** A process of its own that is in the middle of building a snapshot, with a server running, until it is killed. */
import { startEmbedded } from '../../src/server/embedded.ts';
import { SnapshotStore } from '../../src/snapshot.ts';

const cacheDir = process.argv[2]!;
const store = new SnapshotStore(cacheDir);
await store.build({ rows: 1 }, async (dataDir) => {
  const server = await startEmbedded({ dataDir, cacheDir, settings: { fsync: false, shared_buffers: '16MB' } });
  process.stdout.write(`${server.pid}\n`);
  return new Promise(() => setInterval(() => undefined, 60_000));
});
