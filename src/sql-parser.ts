/** PostgreSQL's own parser, loaded when it is first needed. */

type Parser = typeof import('libpg-query');

let parser: Promise<Parser> | undefined;

/** The parser of PostgreSQL 18. Threads that parse nothing do without it. */
export function sqlParser(): Promise<Parser> {
  return (parser ??= import('libpg-query'));
}
