/** result.json: written after every block, read back with every fault told. */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EnvironmentError, messageOf, UsageError } from './errors.ts';
import { FaultList } from './faults.ts';
import { runResultSchema } from './result-schema.ts';
import { schemaVersion } from './result.ts';
import type { RunResult } from './result.ts';

const fileName = 'result.json';

/** The result as JSON text. @throws TypeError when a figure is not finite: JSON would turn it into null, unreadable later. */
export function encodeResult(result: RunResult): string {
  return `${JSON.stringify(result, refuseNonFinite, 2)}\n`;
}

function refuseNonFinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`The figure "${key}" is ${value}.`);
  return value;
}

/**
 * The result in a JSON text; `source` names it in messages.
 * @throws UsageError when the text is no JSON, is of a newer schema, or has faults, all of which are listed with their path.
 */
export function decodeResult(text: string, source: string): RunResult {
  const json = parseJson(text, source);
  const version = z.object({ schemaVersion: z.int().positive() }).safeParse(json);
  if (!version.success) {
    throw new UsageError(`${source} is not a result of pgrehearse: it has no schemaVersion.`, {
      hint: 'Name a result.json, or the folder of a run.',
    });
  }
  if (version.data.schemaVersion > schemaVersion) {
    throw new UsageError(
      `${source} has schema version ${version.data.schemaVersion}; this pgrehearse reads versions up to ${schemaVersion}.`,
      { hint: 'Read it with the version of pgrehearse that wrote it, or a newer one.' },
    );
  }
  const parsed = runResultSchema.safeParse(json);
  if (!parsed.success) {
    throw new UsageError(`${source} is not a valid result:\n${z.prettifyError(parsed.error)}`, {
      hint: 'The file was changed or damaged after the run; measure again or restore it.',
    });
  }
  return parsed.data;
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const size = `${text.length} characters`;
    throw new UsageError(`${source} is not complete JSON (${size}): ${messageOf(cause)}.`, {
      hint: 'It was probably cut off; measure again or restore the file.',
      cause,
    });
  }
}

/**
 * Writes result.json into the folder, which is created if needed: to a temporary file first, flushed and then renamed, so
 * that a reader finds the old result or the new one, never half of one. Calls for one folder must follow each other.
 * @throws EnvironmentError when the folder cannot be written.
 */
export async function writeResult(folder: string, result: RunResult): Promise<void> {
  const text = encodeResult(result);
  const target = join(folder, fileName);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFlushed(temporary, text);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new EnvironmentError(`The result could not be written to ${target}: ${messageOf(cause)}.`, {
      hint: 'Check that the folder is writable and the disk is not full, or choose another with --out.',
      cause,
    });
  }
}

async function writeFlushed(path: string, text: string): Promise<void> {
  await using file = await open(path, 'w');
  await file.writeFile(text);
  await file.datasync();
}

/**
 * Reads a result: the path of a file, or of the folder of a run.
 * @throws UsageError when there is none, or as `decodeResult` says.
 */
export async function readResult(path: string): Promise<RunResult> {
  let file = path;
  try {
    if ((await stat(path)).isDirectory()) file = join(path, fileName);
    return decodeResult(await readFile(file, 'utf8'), file);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`${file} could not be read: ${messageOf(cause)}.`, {
      hint: 'Name a result.json, or the folder of a run (by default under reports/runs).',
      cause,
    });
  }
}

/** Reads several results. @throws UsageError with the faults of all of them at once */
export async function readResults(paths: readonly string[]): Promise<RunResult[]> {
  const faults = new FaultList();
  const results: RunResult[] = [];
  for (const path of paths) await faults.tryAsync(async () => void results.push(await readResult(path)));
  faults.throwIfAny();
  return results;
}
