/** What a change consists of: the statements of its migrations, by file and line, for remarks beside them. */
import { relative, sep } from 'node:path';
import type { Migration } from './migrate.ts';
import type { ChangedStatement } from './result.ts';

/** Enough to know a statement by, and the names in it. */
const textLength = 400;

/** Statements of the migrations that the last stage has and the first has not; paths count from `folder`. */
export function changedStatements(
  first: readonly Migration[],
  last: readonly Migration[],
  folder: string,
): ChangedStatement[] {
  const known = new Set(first.map(({ version, sha256 }) => `${version} ${sha256}`));
  const added = last.filter(({ version, sha256 }) => !known.has(`${version} ${sha256}`));
  return added.flatMap(({ up }) =>
    up.statements.map(({ line, text }) => ({
      file: relative(folder, up.path).split(sep).join('/'),
      line,
      text: text.replaceAll(/\s+/g, ' ').slice(0, textLength),
    })),
  );
}
