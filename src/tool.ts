import { readFileSync } from 'node:fs';

/** Version of pgrehearse, as its package says. */
export const toolVersion: string = (
  JSON.parse(readFileSync(new URL(import.meta.resolve('pgrehearse/package.json')), 'utf8')) as { version: string }
).version;
