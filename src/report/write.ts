/** Writes the report of a run beside its result. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { RunResult } from '../result.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';

/**
 * Writes report.md with its charts, and report.html, into the folder, which is created if needed.
 * @returns the path of report.md.
 * @throws EnvironmentError when the folder cannot be written.
 */
export async function writeReport(folder: string, result: RunResult): Promise<string> {
  const { markdown, files } = await renderMarkdown(result);
  await writeFiles(folder, { ...files, 'report.md': markdown, 'report.html': await renderHtml(result) });
  return join(folder, 'report.md');
}

/**
 * Writes texts by file name into the folder, which is created if needed.
 * @throws EnvironmentError when the folder cannot be written.
 */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  } catch (cause) {
    throw new EnvironmentError(`The report could not be written to ${folder}: ${messageOf(cause)}.`, {
      hint: 'Check that the folder is writable and the disk is not full.',
      cause,
    });
  }
}
