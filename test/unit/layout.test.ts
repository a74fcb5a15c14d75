/** Holds the import directions: who may know whom (docs/design.md). */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

interface Import {
  from: string;
  /** A path from the root for relative imports, a package name otherwise. */
  to: string;
}

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

async function importsOf(file: string): Promise<Import[]> {
  const text = await readFile(join(root, file), 'utf8');
  const specifiers = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'/gms)].map((match) => match[1]!);
  return specifiers.map((specifier) => ({
    from: file,
    to: specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
  }));
}

const all = (
  await Promise.all((await Promise.all(['src', 'scenarios', 'seeds'].map(sources))).flat().map(importsOf))
).flat();

const within =
  (...places: string[]) =>
  (path: string) =>
    places.some((place) => path === place || path.startsWith(place));
const library = (path: string) => path.startsWith('src/') && !path.startsWith('src/cli/');
const service = within('scenarios/sessions/service/');
const definitions = (path: string) => within('scenarios/', 'seeds/')(path) && !service(path);
const outside = (path: string) => path !== 'pgrehearse' && !path.startsWith('seeds/') && !path.startsWith('scenarios/');
const forbidden = (from: (path: string) => boolean, to: (path: string) => boolean) =>
  all.filter((edge) => from(edge.from) && to(edge.to)).map((edge) => `${edge.from} -> ${edge.to}`);

describe('import directions', () => {
  it('reads imports at all', () => {
    expect(all).toContainEqual({ from: 'src/cli/run.ts', to: 'src/run.ts' });
    expect(all.length).toBeGreaterThan(100);
  });

  it('keeps the library free of the command line', () => {
    expect(forbidden(library, within('src/cli/', 'commander', 'log-update'))).toEqual([]);
  });

  it('keeps verdict, statistics and reports free of databases and servers', () => {
    const pure = within(
      'src/verdict.ts',
      'src/validity.ts',
      'src/verdict/',
      'src/stats/',
      'src/claims.ts',
      'src/stage-figures.ts',
      'src/conditions.ts',
      'src/compare-results.ts',
      'src/trend/',
      'src/report/',
    );
    const places = within('src/database.ts', 'src/server/', 'src/load/', 'src/seed/', 'src/snapshot', 'src/migrate');
    expect(forbidden(pure, (path) => path === 'pg' || places(path))).toEqual([]);
  });

  it('lets scenarios and seeds import the public surface and each other only', () => {
    expect(forbidden(definitions, outside)).toEqual([]);
  });

  it('keeps the service under test a program of its own', () => {
    const ours = (path: string) => !service(path) && within('src/', 'scenarios/', 'seeds/', 'pgrehearse')(path);
    expect(forbidden(service, ours)).toEqual([]);
    expect(forbidden((path) => !service(path), service)).toEqual([]);
  });

  it('lets nothing in the library know a workload', () => {
    expect(forbidden(within('src/'), within('scenarios/', 'seeds/'))).toEqual([]);
  });

  it('keeps printing and leaving to the command line', async () => {
    const files = (await sources('src')).filter((file) => !file.startsWith('src/cli/'));
    const offenders: string[] = [];
    for (const file of files) {
      const text = await readFile(join(root, file), 'utf8');
      if (/\bconsole\.|process\.(argv|stdout|stderr)/.test(text)) offenders.push(file);
      // In a worker thread process.exit ends the thread only, in a child process (process.send) that process.
      if (/process\.exit\(/.test(text) && !/parentPort|process\.send/.test(text)) offenders.push(file);
    }
    expect(offenders).toEqual([]);
  });
});
