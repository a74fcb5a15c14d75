/** The source text of a seed. Pure. */
import { literal, number } from './column-generator.ts';
import type { SeededColumn, TableSeed } from './table-seed.ts';

/** Every function of the public surface that a generator's text may name. */
const generators = [
  'after',
  'chance',
  'combine',
  'constant',
  'decimal',
  'exponential',
  'faked',
  'hex',
  'inTurn',
  'json',
  'list',
  'logNormal',
  'lookup',
  'nullable',
  'oneOf',
  'parent',
  'reference',
  'rowNumber',
  'rowOf',
  'serial',
  'text',
  'timestamp',
  'uniform',
  'uuid',
  'weighted',
  'zipfian',
];

/**
 * @param asOf the seed's "now", ISO 8601
 * @param migrations where the tables come from, for the comment
 */
export function seedSource(
  tables: readonly TableSeed[],
  { asOf, migrations }: { asOf: string; migrations: string },
): string {
  const body = tables.map(tableSource).join('\n');
  const used = generators.filter((name) => new RegExp(`(?<![\\w.'])${name}[(\`]`).test(body));
  return `/**
 * What the rows look like. Written by \`pgrehearse init\` from the tables that ${migrations} makes; from here on it is yours.
 * Correct first: how many rows there are, which values are frequent, and what is null how often. That decides what is fast.
 */
import {
${['defineSeed', ...used]
  .sort()
  .map((name) => `  ${name},`)
  .join('\n')}
} from 'pgrehearse';

export const seed = defineSeed({
  asOf: '${asOf}',
  tables: {
${body}
  },
});
`;
}

function tableSource({ table, rows, fixed, parent, latent, columns, omitted }: TableSeed): string {
  const count =
    parent === undefined
      ? `      rows: ${number(rows)},${fixed ? '\n      fixed: true, // there are not more different values' : ' // at scale 1: put the number of production here'}`
      : `      childrenOf: { table: ${literal(parent)}, counts: [[1, 100]] }, // one for each`;
  return [
    `    ${keyOf(table.name)}: {`,
    count,
    ...(latent.length === 0 ? [] : ['      latent: {', ...latent.map(columnSource), '      },']),
    '      columns: {',
    ...columns.map(columnSource),
    ...omitted.map(({ name, type, hasDefault }) => {
      return `        // ${name} (${type}) is left to be ${hasDefault ? 'its default' : 'null'}`;
    }),
    '      },',
    '    },',
  ].join('\n');
}

function columnSource({ name, code, comment }: SeededColumn): string {
  return `        ${keyOf(name)}: ${code}, // ${comment.replaceAll('\n', ' ')}`;
}

/** A property's name as TypeScript writes it. */
export function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
}
