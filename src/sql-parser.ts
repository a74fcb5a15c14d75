/** PostgreSQL's own parser, loaded when it is first needed. */
import { setFlagsFromString } from 'node:v8';

type Parser = typeof import('libpg-query');

/**
 * V8 compiles what is hot in WebAssembly once more, to be quicker. Of the parser that is one function of enormous size: while its loops were
 * unrolled the process had 620 MB in place of 65, and a processor was busy for 200 ms; the scripts of a whole run are parsed in ten.
 */
const compilingAgain = ['wasm-tier-up', 'wasm-dynamic-tiering'];

let parser: Promise<Parser> | undefined;

/** The parser of PostgreSQL 18. Threads that parse nothing do without it. */
export function sqlParser(): Promise<Parser> {
  return (parser ??= loadParser());
}

/** A function of WebAssembly keeps to the flags under which it was called first; for all others they are as before. */
async function loadParser(): Promise<Parser> {
  for (const flag of compilingAgain) setFlagsFromString(`--no-${flag}`);
  try {
    const loaded = await import('libpg-query');
    await loaded.parse('SELECT 1');
    return loaded;
  } finally {
    for (const flag of compilingAgain) setFlagsFromString(`--${flag}`);
  }
}
