/** From a scenario's name, as people type it, to its file. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';
import { UsageError } from './errors.ts';

const extensions = new Set(['.ts', '.mts', '.js', '.mjs']);

/**
 * Finds the file of a scenario: a path, a name of the config file, `scenarios/<name>` below `folder`, or one that ships
 * with pgrehearse; in this order.
 *
 * @returns absolute path
 * @throws UsageError that lists the known names
 */
export async function findScenario(nameOrPath: string, folder: string, config: Config): Promise<string> {
  if (nameOrPath.includes('/') || nameOrPath.includes(sep) || extensions.has(extname(nameOrPath))) {
    const path = resolve(folder, nameOrPath);
    if (existsSync(path)) return path;
    throw new UsageError(`There is no scenario file ${path}.`, { hint: 'Correct the path.' });
  }
  const known = await knownScenarios(folder, config);
  const found = known.get(nameOrPath);
  if (found !== undefined) return found;
  throw new UsageError(`There is no scenario ${nameOrPath}.`, {
    hint: `Known: ${[...known.keys()].join(', ')}. A path to a scenario file works too.`,
  });
}

/** Scenario files by name. */
export async function knownScenarios(folder: string, config: Config): Promise<Map<string, string>> {
  const shipped = fileURLToPath(new URL('../scenarios/', import.meta.url));
  const known = new Map<string, string>();
  for (const place of [shipped, join(folder, 'scenarios')]) {
    for (const file of await readdir(place).catch(() => [])) {
      if (extensions.has(extname(file)) && !file.includes('.d.')) {
        known.set(file.slice(0, -extname(file).length), join(place, file));
      }
    }
  }
  for (const [name, path] of Object.entries(config.scenarios ?? {})) known.set(name, path);
  return known;
}

/** The folder of the nearest package.json above a file, else the file's own folder: where relative paths count from. */
export async function projectFolder(file: string): Promise<string> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return dirname(file);
  }
}
