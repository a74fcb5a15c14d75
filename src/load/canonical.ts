/** One text for one answer: equal answers have equal texts, whatever the order in which keys were set. */

export interface CanonicalOptions {
  /** Rows (arrays of objects, at any depth) may come in any order; arrays of plain values keep theirs. */
  anyOrder?: boolean;
}

/** Numbers and strings are told apart and kept exact; Dates become ISO 8601, Buffers hexadecimal. */
export function canonicalText(value: unknown, options: CanonicalOptions = {}): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'date(invalid)' : `date(${value.toISOString()})`;
  if (value instanceof Uint8Array) return `bytes(${Buffer.from(value).toString('hex')})`;
  if (Array.isArray(value)) return arrayText(value, options);
  if (value instanceof Set) return `set${arrayText([...value], options)}`;
  if (value instanceof Map) return `map${arrayText([...value], options)}`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalText(item, options)}`).join(',')}}`;
}

function arrayText(items: unknown[], options: CanonicalOptions): string {
  const texts = items.map((item) => canonicalText(item, options));
  const areRows = items.every((item) => typeof item === 'object' && item !== null);
  return `[${(options.anyOrder === true && areRows ? texts.sort() : texts).join(',')}]`;
}
