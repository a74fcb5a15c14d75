/** Every server that the same tests run on. One that is not here is skipped, and its reason printed. */
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { installedPackage } from '../../src/server/binaries.ts';
import type { ServerChoice } from '../../src/server/choice.ts';
import { findInstalled } from '../../src/server/installed.ts';

/** A server, or why there is none. */
export interface ServerUnderTest {
  name: string;
  choice: ServerChoice;
  missing?: string;
}

/** Where `npm ci` puts the majors that do not come with pgrehearse; see CONTRIBUTING.md. */
export const majorsFolder = join(import.meta.dirname, '../majors');

export async function serversUnderTest(): Promise<ServerUnderTest[]> {
  const embedded = [15, 16, 17, 18].map((major) =>
    look(`embedded ${major}`, { kind: 'embedded', major, project: majorsFolder }, () =>
      installedPackage(major, majorsFolder),
    ),
  );
  const installed = look('installed', { kind: 'installed' }, () => findInstalled());
  const servers = await Promise.all([...embedded, installed]);
  for (const { name, missing } of servers) if (missing !== undefined) console.log(`Skipped ${name}: ${missing}`);
  return servers;
}

async function look(name: string, choice: ServerChoice, find: () => Promise<unknown>): Promise<ServerUnderTest> {
  try {
    await find();
    return { name, choice };
  } catch (error) {
    return { name, choice, missing: messageOf(error) };
  }
}
