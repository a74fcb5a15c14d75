/** pgrehearse.config.ts < environment < flags: where scenarios, profiles and folders come from. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import * as z from 'zod';
import { messageOf, UsageError } from './errors.ts';
import { loadShape } from './load-check.ts';
import { faultsOf, gateShape, sloShape } from './scenario-check.ts';
import type { DockerLimits } from './server/docker/image.ts';

const sizePattern = /^(\d+(?:\.\d+)?) ?(MB|GB|TB)$/;
const sizeAdvice = "give a number and a unit: '500MB', '60GB' or '1.5TB'";

const shape = z.strictObject({
  /** Scenario files by name; relative paths count from the config file. */
  scenarios: z.record(z.string(), z.string()).optional(),
  /** By profile name: PostgreSQL settings, or the path of a postgresql.conf; a relative one counts from the config file. */
  profiles: z
    .record(z.string(), z.union([z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))]))
    .optional(),
  /** Where snapshots are kept. */
  cacheDir: z.string().optional(),
  /** Snapshots beyond this size are dropped, the least recently used first: a number and MB, GB or TB. Default '60GB'. */
  cacheLimit: z.string().regex(sizePattern, sizeAdvice).optional(),
  /** Which PostgreSQL, as --server takes it. Default `embedded`. */
  server: z.string().optional(),
  /** PostgreSQL's major version, as --pg takes it. */
  pg: z.number().optional(),
  /** What each container of a server in Docker may use; flags win. Default: all of its engine. */
  docker: z
    .strictObject({
      memory: z.string().regex(sizePattern, sizeAdvice).optional(),
      cpus: z.number().positive().optional(),
    })
    .optional(),
  /** Where results are written: a folder for each run is made in it. */
  out: z.string().optional(),
  /** Load for every scenario, in place of what the scenario says. */
  load: loadShape.optional(),
  /** Service level objective for every scenario. */
  slo: sloShape.optional(),
  /** How much worse the last stage may be, for every scenario. */
  gate: gateShape.optional(),
});

export type Config = z.infer<typeof shape>;

/** A size such as '60GB' in bytes; units are decimal, as disks have them. */
export function sizeBytes(size: string): number {
  const [, number, unit] = sizePattern.exec(size) ?? [];
  return Number(number) * { MB: 1e6, GB: 1e9, TB: 1e12 }[unit as 'MB' | 'GB' | 'TB'];
}

/**
 * What a container may use: the flags, then the config, which only counts where the server is a container.
 *
 * @param server as --server takes it
 */
export function containerLimits(
  { docker = {} }: Config,
  server: string | undefined,
  flags: DockerLimits = {},
): DockerLimits {
  if (!/^docker(:|$)/.test(server ?? '')) return flags;
  const { memory, cpus } = docker;
  return {
    ...(memory === undefined ? {} : { memoryBytes: sizeBytes(memory) }),
    ...(cpus === undefined ? {} : { cpus }),
    ...flags,
  };
}

const fileNames = ['pgrehearse.config.ts', 'pgrehearse.config.mts', 'pgrehearse.config.js', 'pgrehearse.config.mjs'];

/**
 * Reads the config file and the environment (PGREHEARSE_SERVER, PGREHEARSE_CACHE, PGREHEARSE_CACHE_LIMIT, PGREHEARSE_OUT).
 *
 * @param folder where to look for the file
 * @param file a file that was named by the user; must then exist
 * @throws UsageError with all faults of the file, or of the environment
 */
export async function loadConfig(folder: string, file?: string, env = process.env): Promise<Config> {
  const found = file === undefined ? await firstExisting(folder) : resolve(folder, file);
  const fromFile = found === undefined ? {} : await readConfig(found);
  const cacheLimit = env.PGREHEARSE_CACHE_LIMIT;
  if (cacheLimit && !sizePattern.test(cacheLimit)) {
    throw new UsageError(`PGREHEARSE_CACHE_LIMIT is "${cacheLimit}": ${sizeAdvice}.`, { hint: 'Correct or unset it.' });
  }
  return {
    ...fromFile,
    ...(cacheLimit ? { cacheLimit } : {}),
    ...(env.PGREHEARSE_SERVER ? { server: env.PGREHEARSE_SERVER } : {}),
    ...(env.PGREHEARSE_CACHE ? { cacheDir: resolve(folder, env.PGREHEARSE_CACHE) } : {}),
    ...(env.PGREHEARSE_OUT ? { out: resolve(folder, env.PGREHEARSE_OUT) } : {}),
  };
}

async function firstExisting(folder: string): Promise<string | undefined> {
  for (const name of fileNames) {
    const path = resolve(folder, name);
    if (existsSync(path)) return path;
  }
  return undefined;
}

async function readConfig(file: string): Promise<Config> {
  if (!existsSync(file)) {
    throw new UsageError(`There is no config file ${file}.`, { hint: 'Correct --config or leave it out.' });
  }
  let content: unknown;
  try {
    const module = await createJiti(import.meta.url, { tryNative: true }).import<{ default?: unknown }>(
      pathToFileURL(file).href,
    );
    content = module.default;
  } catch (error) {
    throw new UsageError(`The config file ${file} cannot be loaded: ${messageOf(error)}`, {
      hint: 'Correct the file; run it with `node <file>` to see where it fails.',
      cause: error,
    });
  }
  const parsed = shape.safeParse(content);
  if (!parsed.success) {
    const faults = faultsOf(parsed.error).map((fault) => `  - ${fault}`);
    throw new UsageError(`The config file ${file} is broken:\n${faults.join('\n')}`, {
      hint: 'Write `export default defineConfig({ ... })`; the docs name every key.',
    });
  }
  return withAbsolutePaths(parsed.data, dirname(file));
}

function withAbsolutePaths(config: Config, folder: string): Config {
  const absolute = { ...config };
  if (config.cacheDir !== undefined) absolute.cacheDir = resolve(folder, config.cacheDir);
  if (config.out !== undefined) absolute.out = resolve(folder, config.out);
  if (config.profiles !== undefined) {
    absolute.profiles = Object.fromEntries(
      Object.entries(config.profiles).map(([name, own]) => [
        name,
        typeof own === 'string' ? resolve(folder, own) : own,
      ]),
    );
  }
  if (config.scenarios !== undefined) {
    absolute.scenarios = Object.fromEntries(
      Object.entries(config.scenarios).map(([name, path]) => [name, resolve(folder, path)]),
    );
  }
  return absolute;
}
