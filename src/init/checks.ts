/** What the CHECK constraint of one column says about its values, as far as its text tells. Pure. */
import type { CatalogueTable } from './catalogue.ts';

/** Values that a column may have. */
export interface AllowedValues {
  /** `col IN (...)`: texts, or numbers. */
  list?: (string | number)[];
  /** Both included. */
  min?: number;
  max?: number;
}

/** Forms that PostgreSQL prints: `CHECK ((state = ANY (ARRAY['a'::text, 'b'::text])))`, `CHECK (((n >= 1) AND (n <= 5)))`. */
export function allowedValues({ checks }: CatalogueTable, column: string): AllowedValues {
  const allowed: AllowedValues = {};
  for (const { columns, definition } of checks) {
    if (columns.length !== 1 || columns[0] !== column || /\bOR\b|\bNOT\b|length\(/i.test(definition)) continue;
    const list = /= ANY \(+ARRAY\[(.*?)\]/s.exec(definition)?.[1];
    if (list !== undefined) allowed.list = itemsOf(list);
    for (const [, sign, digits] of definition.matchAll(/ (>=|<=|>|<) \(?'?(-?\d+(?:\.\d+)?)/g)) {
      const bound = Number(digits);
      if (sign === '>=') allowed.min = bound;
      if (sign === '>') allowed.min = bound + 1;
      if (sign === '<=') allowed.max = bound;
      if (sign === '<') allowed.max = bound - 1;
    }
  }
  return allowed;
}

/** The column that must be before this one, by a CHECK of two: `CHECK ((ends_at > starts_at))`. */
export function earlierColumn({ checks }: CatalogueTable, column: string): string | undefined {
  for (const { columns, definition } of checks) {
    const [, left, sign, right] = /^CHECK \(\("?(\w+)"? (>=?|<=?) "?(\w+)"?\)\)$/.exec(definition) ?? [];
    if (columns.length !== 2 || sign === undefined) continue;
    const [later, earlier] = sign.startsWith('>') ? [left, right] : [right, left];
    if (later === column) return earlier;
  }
  return undefined;
}

function itemsOf(list: string): (string | number)[] {
  const texts = [...list.matchAll(/'((?:[^']|'')*)'/g)].map(([, text]) => text!.replaceAll("''", "'"));
  if (texts.length > 0) return texts;
  return list.split(',').map(Number);
}
