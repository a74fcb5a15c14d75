/** Every server that the same tests run on. One that is not here is skipped, and its reason stands in the test's name. */
import { join } from 'node:path';
import { withClient } from '../../src/database.ts';
import { messageOf } from '../../src/errors.ts';
import { installedPackage } from '../../src/server/binaries.ts';
import type { ServerChoice } from '../../src/server/choice.ts';
import { findImage } from '../../src/server/docker/image.ts';
import { findInstalled } from '../../src/server/installed.ts';
import { startTestServer } from './postgres.ts';

/** A server, or why there is none. */
export interface ServerUnderTest {
  name: string;
  kind: 'embedded' | 'installed' | 'docker' | 'external';
  /** For servers that we start ourselves. */
  choice?: ServerChoice;
  /** Of the command line. */
  flags: () => Promise<string[]>;
  missing: boolean;
}

/** Where `npm ci` puts the majors that do not come with pgrehearse; see CONTRIBUTING.md. */
export const majorsFolder = join(import.meta.dirname, '../majors');

/** The image of the tests with Docker; pulled by whoever wants them. */
export const dockerImage = process.env['PGREHEARSE_TEST_IMAGE'] || 'postgres:18';

/** @param resources ends what was started for the tests */
export async function serversUnderTest(resources: AsyncDisposableStack): Promise<ServerUnderTest[]> {
  const embedded = [15, 16, 17, 18].map((major) =>
    look({
      name: `embedded ${major}`,
      kind: 'embedded',
      choice: { kind: 'embedded', major, project: majorsFolder },
      flags: async () => ['--pg', String(major)],
      find: () => installedPackage(major, majorsFolder),
    }),
  );
  const installed = look({
    name: 'installed',
    kind: 'installed',
    choice: { kind: 'installed' },
    flags: async () => ['--server', 'installed'],
    find: () => findInstalled(),
  });
  const docker = look({
    name: 'docker',
    kind: 'docker',
    flags: async () => ['--server', `docker:${dockerImage}`, '--docker-memory', '1g'],
    find: () => findImage(dockerImage),
  });
  const external = look({
    name: 'external, with a role that may do little',
    kind: 'external',
    flags: async () => ['--server', await startForeign(resources)],
    find: async () => {},
  });
  return Promise.all([...embedded, installed, docker, external]);
}

async function look({
  find,
  ...server
}: Omit<ServerUnderTest, 'missing'> & { find: () => Promise<unknown> }): Promise<ServerUnderTest> {
  try {
    await find();
    return { ...server, missing: false };
  } catch (error) {
    return { ...server, name: `${server.name}, skipped: ${messageOf(error)}`, missing: true };
  }
}

/** A server that the command line knows by its URL only. */
async function startForeign(resources: AsyncDisposableStack): Promise<string> {
  const server = resources.use(await startTestServer());
  await withClient(server.connection(), (client) =>
    client.query(`CREATE ROLE little LOGIN CREATEDB PASSWORD 'little'`),
  );
  const { host, port } = server.loopbackConnection('postgres');
  return `postgres://little:little@${host}:${port}/postgres`;
}
