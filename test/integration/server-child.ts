/** A process of its own that starts a server in the given folder, tells where, and then waits, or ends as it is told. */
import { join } from 'node:path';
import { startEmbedded } from '../../src/server/embedded.ts';
import { createRunFolder } from '../../src/server/leftovers.ts';

const [cacheDir, end] = process.argv.slice(2) as [string, 'wait' | 'throw' | 'exit' | 'stop'];
const runFolder = await createRunFolder(cacheDir);
const dataDir = join(runFolder.path, 'data');
const server = await startEmbedded({ dataDir, cacheDir, settings: { fsync: false, shared_buffers: '16MB' } });
const { pid, version } = server;
process.stdout.write(`${JSON.stringify({ pid, dataDir, version, socketDir: server.connection().host })}\n`);
if (end === 'throw') throw new Error('a crash on purpose');
if (end === 'exit') process.exit(0);
if (end === 'stop') {
  await server.stop();
  await runFolder[Symbol.asyncDispose]();
} else {
  setInterval(() => undefined, 60_000);
}
