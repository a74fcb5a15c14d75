/** What is known of the load generator on this machine, kept in the cache from `pgrehearse doctor --load` to later runs. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError, messageOf } from './errors.ts';
import { generatorSchema } from './result-schema.ts';
import type { GeneratorFigures, Host } from './result.ts';

/** Folders of several machines may share a cache, and Node's speed changes from one major version to the next. */
function fileOf(cacheDir: string, { cpuModel, cores, arch, kernel }: Host): string {
  const parts = JSON.stringify([cpuModel, cores, arch, kernel, process.versions.node.split('.')[0]]);
  const fingerprint = createHash('sha256').update(parts).digest('hex').slice(0, 16);
  return join(cacheDir, 'generator', `${fingerprint}.json`);
}

/** @returns undefined when this machine was never measured, or what was kept cannot be read. */
export async function knownGeneratorFigures(cacheDir: string, host: Host): Promise<GeneratorFigures | undefined> {
  const text = await readFile(fileOf(cacheDir, host), 'utf8').catch(() => '');
  try {
    return generatorSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** @throws EnvironmentError when the cache folder cannot be written */
export async function keepGeneratorFigures(cacheDir: string, host: Host, figures: GeneratorFigures): Promise<void> {
  const file = fileOf(cacheDir, host);
  try {
    await mkdir(join(cacheDir, 'generator'), { recursive: true });
    await writeFile(file, `${JSON.stringify(figures)}\n`);
  } catch (cause) {
    throw new EnvironmentError(`The figures of the load generator could not be kept in ${file}: ${messageOf(cause)}.`, {
      hint: 'Set PGREHEARSE_CACHE to a folder that you can write.',
      cause,
    });
  }
}
