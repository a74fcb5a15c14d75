/** Finds the stored results below a folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PgrehearseError, UsageError } from '../errors.ts';
import { readResult } from '../result-file.ts';
import type { RunResult } from '../result.ts';

/** What a folder holds: the results that could be read, and a sentence for each that could not. */
export interface CollectedResults {
  results: RunResult[];
  faults: string[];
}

/**
 * Reads every result.json below a folder.
 * @throws UsageError when the folder cannot be read, or holds no result that can.
 */
export async function collectResults(folder: string): Promise<CollectedResults> {
  const found: CollectedResults = { results: [], faults: [] };
  for (const path of await resultFiles(folder)) {
    try {
      found.results.push(await readResult(path));
    } catch (error) {
      if (!(error instanceof PgrehearseError)) throw error;
      found.faults.push(error.message);
    }
  }
  if (found.results.length > 0) return found;
  const why = found.faults.map((fault) => `\n  - ${fault}`).join('');
  throw new UsageError(`${folder} holds no result that can be read.${why}`, {
    hint: 'Name a folder with results of runs below it (by default reports/runs).',
  });
}

async function resultFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name === 'result.json');
    return files.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  } catch (cause) {
    throw new UsageError(`${folder} could not be read: ${messageOf(cause)}.`, {
      hint: 'Name a folder with results of runs below it (by default reports/runs).',
      cause,
    });
  }
}
