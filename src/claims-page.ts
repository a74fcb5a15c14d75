/** The page of claims of a folder of results that are kept, such as docs/claims.md of reports/. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsageError } from './errors.ts';
import { renderClaims } from './report/markdown-claims.ts';
import { readResult } from './result-file.ts';

/**
 * The claims of every result in a folder right below the given one, by the name of that folder. What lies deeper, such as
 * reports/runs/<id>, is not kept and does not count.
 *
 * @returns Markdown
 * @throws UsageError when the folder cannot be read, holds no result, or one of them is broken
 */
export async function claimsPage(folder: string): Promise<string> {
  const names = await foldersWithResults(folder);
  if (names.length === 0) {
    throw new UsageError(`There is no result right below ${folder}.`, {
      hint: 'Name a folder such as reports, with <name>/result.json in it.',
    });
  }
  return renderClaims(
    await Promise.all(names.map(async (name) => ({ folder: name, result: await readResult(join(folder, name)) }))),
  );
}

async function foldersWithResults(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new UsageError(`${folder} could not be read: ${messageOf(cause)}.`, { cause });
  });
  const found = await Promise.all(names.map((name) => hasResult(join(folder, name))));
  return names.filter((_, at) => found[at]).toSorted();
}

function hasResult(folder: string): Promise<boolean> {
  return access(join(folder, 'result.json')).then(
    () => true,
    () => false,
  );
}
