/** Writes the report of a run beside its result. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { RunResult } from '../result.ts';
import { renderMarkdown } from './markdown.ts';

/**
 * Writes report.md and its charts into the folder, which is created if needed.
 * @returns the path of report.md.
 * @throws EnvironmentError when the folder cannot be written.
 */
export async function writeReport(folder: string, result: RunResult): Promise<string> {
  const { markdown, files } = await renderMarkdown(result);
  const path = join(folder, 'report.md');
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, svg] of Object.entries(files)) await writeFile(join(folder, name), svg);
    await writeFile(path, markdown);
  } catch (cause) {
    throw new EnvironmentError(`The report could not be written to ${folder}: ${messageOf(cause)}.`, {
      hint: 'Check that the folder is writable and the disk is not full.',
      cause,
    });
  }
  return path;
}
