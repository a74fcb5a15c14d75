/** Makes `import ... from 'pgrehearse'` work in the files that `init` writes. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Links this installation of pgrehearse, and its command, into `node_modules` of a folder, where imports from there would not find one.
 * As npm does for a dependency, so that `npm install` puts another in its place.
 * @returns path of the link, or undefined where none was needed
 */
export async function linkPackage(folder: string): Promise<string | undefined> {
  if (await isResolved(folder)) return undefined;
  const link = join(folder, 'node_modules', 'pgrehearse');
  await mkdir(dirname(link), { recursive: true });
  await symlink(ownFolder(), link, 'junction');
  await linkCommand(folder);
  return link;
}

/** For `npx pgrehearse`, which would otherwise fetch one. On Windows npm writes scripts in the place of links. */
async function linkCommand(folder: string): Promise<void> {
  const command = join(folder, 'node_modules', '.bin', 'pgrehearse');
  if (process.platform === 'win32' || existsSync(command)) return;
  await mkdir(dirname(command), { recursive: true });
  await symlink('../pgrehearse/bin/pgrehearse.js', command);
}

function ownFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('pgrehearse/package.json'));
}

/** As Node looks for a package: in `node_modules` of every folder above; or the project is the package itself. */
async function isResolved(from: string): Promise<boolean> {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', 'pgrehearse', 'package.json'))) return true;
    const manifest = join(folder, 'package.json');
    if (
      existsSync(manifest) &&
      (JSON.parse(await readFile(manifest, 'utf8')) as { name?: string }).name === 'pgrehearse'
    ) {
      return true;
    }
    if (folder === dirname(folder)) return false;
  }
}
