/** Runs the command line as a user does: a process of its own, from the sources. */
import { execa, type Options } from 'execa';
import { join, resolve } from 'node:path';

export const projectRoot = resolve(import.meta.dirname, '../..');

export const shop = 'test/fixtures/shop.ts';

/** `pgrehearse ...args`, with a cache of its own; never throws for a non-zero exit code. */
export function pgrehearse(args: readonly string[], cacheDir: string, options: Options = {}) {
  return execa(
    process.execPath,
    ['--conditions=pgrehearse-source', '--no-warnings', join(projectRoot, 'src/cli/main.ts'), ...args],
    {
      cwd: projectRoot,
      reject: false,
      env: { PGREHEARSE_CACHE: cacheDir, NO_COLOR: '1' },
      ...options,
    },
  );
}
