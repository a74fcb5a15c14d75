/** A generator that fits a column by its type, its name and its checks; as source text. Pure. */
import type { CatalogueColumn, CatalogueTable } from './catalogue.ts';
import { allowedValues, earlierColumn, type AllowedValues } from './checks.ts';

/** What a generator is chosen by. */
export interface ColumnContext {
  table: CatalogueTable;
  column: CatalogueColumn;
  /** The column of the row's beginning, where there is one: others come after it. */
  createdAt: string | undefined;
}

/**
 * Source text of a generator of likely values; not unique.
 * @returns undefined for a type that the seed cannot write
 */
export function plainGenerator({ table, column, createdAt }: ColumnContext): string | undefined {
  const one = itemGenerator(column, allowedValues(table, column.name), { table, createdAt });
  if (one === undefined || !column.isArray) return one;
  if (/^faked\b/.test(one)) return "oneOf([[], ['red'], ['red', 'green'], ['green', 'blue', 'large']])";
  return `list([${one}, ${one}, ${one}], uniform(0, 3))`;
}

/**
 * Source text of a generator whose values are all different.
 * @returns undefined for a type of which the seed cannot write many different values
 */
export function uniqueGenerator({ name, base, isArray, labels, maxLength }: CatalogueColumn): string | undefined {
  if (isArray) return undefined;
  if (labels !== null) return `inTurn(${literal(labels)})`;
  if (integers.has(base) || base === 'numeric' || floats.has(base)) return 'serial()';
  if (base === 'uuid') return 'uuid()';
  if (base === 'date')
    return "combine([rowNumber()], (row) => Date.UTC(2000, 0, 1) + row * 86_400_000, { as: 'instant' })";
  if (instants.has(base))
    return "combine([rowNumber()], (row) => Date.UTC(2025, 0, 1) + row * 20_000, { as: 'instant' })";
  if (!texts.has(base)) return undefined;
  if (/e_?mail/i.test(name) && fits(maxLength, 27)) return 'text`user-${serial()}@example.com`';
  // A dash and eight digits.
  const prefix = name.replaceAll(/[^\w]/g, '').slice(0, Math.max(0, (maxLength ?? Infinity) - 9));
  if (prefix !== '') return `text\`${prefix}-\${serial()}\``;
  // The same number of digits in each row, so that char(n) is full.
  return `text\`\${serial({ from: ${number(10 ** (Math.min(maxLength!, 9) - 1))} })}\``;
}

/** How many different values there can be, where that is few. */
export function distinctValues({ base, labels, maxLength }: CatalogueColumn): number {
  if (labels !== null) return labels.length;
  if (base === 'bool') return 2;
  if (base === 'int2') return 30_000;
  if (base === 'date') return 10_000;
  if (texts.has(base) && maxLength !== null && maxLength < 9) return 9 * 10 ** (maxLength - 1);
  return Infinity;
}

const integers = new Set(['int2', 'int4', 'int8']);
const floats = new Set(['float4', 'float8']);
const texts = new Set(['text', 'varchar', 'bpchar', 'citext']);
const instants = new Set(['timestamptz', 'timestamp']);

function itemGenerator(
  column: CatalogueColumn,
  allowed: AllowedValues,
  context: Pick<ColumnContext, 'table' | 'createdAt'>,
): string | undefined {
  const { name, base, labels } = column;
  if (labels !== null) return `oneOf(${literal(labels)})`;
  if (allowed.list !== undefined && allowed.list.length > 0) return `oneOf(${literal(allowed.list)})`;
  if (integers.has(base)) return integerGenerator(column, allowed);
  if (base === 'numeric') return numericGenerator(column, allowed);
  if (floats.has(base)) return floatGenerator(name, allowed);
  if (texts.has(base)) return textGenerator(column, context.table.name);
  if (instants.has(base) || base === 'date') return instantGenerator(column, context);
  if (base === 'bool') return booleanGenerator(name);
  if (base === 'uuid') return 'uuid()';
  if (base === 'json' || base === 'jsonb')
    return "json({ source: oneOf(['web', 'app', 'api']), version: uniform(1, 5) })";
  if (base === 'inet') return 'faked((faker) => faker.internet.ipv4())';
  return undefined;
}

/** The first whose pattern fits the column's name. */
function byName(name: string, choices: readonly (readonly [RegExp, string])[]): string | undefined {
  return choices.find(([pattern]) => pattern.test(name))?.[1];
}

function integerGenerator({ name, base }: CatalogueColumn, { min, max }: AllowedValues): string {
  // What is only to be positive is whatever the name says.
  if (max !== undefined || (min !== undefined && min > 1)) {
    const low = Math.ceil(min ?? Math.min(0, max!));
    return `uniform(${number(low)}, ${number(Math.floor(max ?? low + 999))})`;
  }
  const least = Math.max(0, min ?? 0);
  const skewed = (median: number, most: number): string =>
    base === 'int2'
      ? `uniform(${number(median / 10)}, 10_000)`
      : `logNormal({ median: ${number(median)}, sigma: 1, min: ${least}, max: ${number(most)} })`;
  return (
    byName(name, [
      [/price|amount|cents|total|cost|balance|fee|sum/i, skewed(2_000, 1_000_000)],
      [/quantity|qty|attempts|retries/i, 'weighted([[1, 70], [2, 20], [5, 10]])'],
      [/year/i, 'uniform(2000, 2026)'],
      [/rating|stars/i, 'uniform(1, 5)'],
      [/percent|score/i, `uniform(${least}, 100)`],
      [/position|rank|sort|priority|level/i, 'uniform(1, 100)'],
      [/size|bytes|duration|_ms$/i, skewed(5_000, 10_000_000)],
    ]) ?? 'uniform(1, 1_000)'
  );
}

function numericGenerator({ precision, scale }: CatalogueColumn, { min, max }: AllowedValues): string {
  const decimals = scale ?? 2;
  const room = precision === null ? 1_000_000 : 10 ** Math.min(precision - decimals, 6) - 1;
  const [low, high] = [min ?? 0, Math.min(max ?? Infinity, room)];
  if (low > 1 || low < 0 || max !== undefined || room < 100) {
    return `decimal(${number(low)}, ${number(Math.max(high, low + 1))}, ${decimals})`;
  }
  return `logNormal({ median: 50, sigma: 1, min: ${low}, max: ${number(high)}, decimals: ${decimals} })`;
}

function floatGenerator(name: string, { min, max }: AllowedValues): string {
  if (min !== undefined || max !== undefined)
    return `decimal(${number(min ?? 0)}, ${number(max ?? (min ?? 0) + 1_000)}, 3)`;
  return (
    byName(name, [
      [/^lat|latitude/i, 'decimal(-90, 90, 5)'],
      [/^(lon|lng)|longitude/i, 'decimal(-180, 180, 5)'],
    ]) ?? 'decimal(0, 1_000, 3)'
  );
}

function booleanGenerator(name: string): string {
  return (
    byName(name, [
      [/deleted|archived|blocked|disabled|failed|hidden|banned/i, 'chance(0.05)'],
      [/active|enabled|verified|visible|published|confirmed/i, 'chance(0.9)'],
    ]) ?? 'chance(0.5)'
  );
}

function textGenerator({ name, maxLength }: CatalogueColumn, table: string): string {
  const people = /user|customer|person|people|member|account|author|employee|contact/i.test(table);
  const fixed = byName(name, [
    [/currency/i, "weighted([['EUR', 60], ['USD', 30], ['GBP', 10]])"],
    [/status|state$/i, "weighted([['active', 90], ['pending', 8], ['closed', 2]])"],
    [/locale|language|lang$/i, "weighted([['en', 70], ['de', 20], ['fr', 10]])"],
    [/type|kind|category|role|channel|source/i, "weighted([['a', 60], ['b', 30], ['c', 10]])"],
  ]);
  if (
    fixed !== undefined &&
    fits(maxLength, Math.max(...[...fixed.matchAll(/'(\w+)'/g)].map(([, one]) => one!.length)))
  ) {
    return fixed;
  }
  if (/token|hash|secret|digest|sha|key|password/i.test(name))
    return `hex(${Math.min(16, Math.max(1, Math.floor((maxLength ?? 32) / 2)))})`;
  if (/e_?mail/i.test(name) && fits(maxLength, 27)) return 'text`user-${serial()}@example.com`';
  if (maxLength !== null && maxLength < 6) return `faked((faker) => faker.string.alpha(${maxLength}))`;
  const call =
    byName(name, [
      [/first_?name|given_?name/i, 'faker.person.firstName()'],
      [/last_?name|sur_?name|family_?name/i, 'faker.person.lastName()'],
      [/user_?name|login|nick/i, 'faker.internet.username()'],
      [/phone|mobile/i, 'faker.phone.number()'],
      [/city|town/i, 'faker.location.city()'],
      [/country/i, 'faker.location.country()'],
      [/street|address/i, 'faker.location.streetAddress()'],
      [/zip|postal/i, 'faker.location.zipCode()'],
      [/company|organi[sz]ation/i, 'faker.company.name()'],
      [/url|uri|link|website/i, 'faker.internet.url()'],
      [/slug/i, 'faker.lorem.slug()'],
      [/agent/i, 'faker.internet.userAgent()'],
      [/description|body|content|note|comment|message|bio|text/i, 'faker.lorem.paragraph()'],
      [/title|subject|headline|summary/i, 'faker.lorem.sentence(5)'],
      [/name/i, people ? 'faker.person.fullName()' : 'faker.commerce.productName()'],
    ]) ?? 'faker.lorem.words(3)';
  return `faked((faker) => ${call}${maxLength === null ? '' : `.slice(0, ${maxLength})`})`;
}

/** A moment of the row's life: its beginning, or later than that. */
function instantGenerator(
  column: CatalogueColumn,
  { table, createdAt }: Pick<ColumnContext, 'table' | 'createdAt'>,
): string {
  if (/born|birth/i.test(column.name)) {
    return "combine([uniform(0, 20_000)], (day) => Date.UTC(1950, 0, 1) + day * 86_400_000, { as: 'instant' })";
  }
  const earlier = earlierColumn(table, column.name) ?? createdAt;
  if (column.isArray || earlier === undefined || earlier === column.name) {
    return column.name === createdAt
      ? 'timestamp({ days: 365, inRowOrder: true, daily: 0.5 })'
      : 'timestamp({ days: 365 })';
  }
  const day = '86_400_000';
  const later = /expire|due|until|ends|scheduled/i.test(column.name) || earlierColumn(table, column.name) !== undefined;
  if (later) return `after(${literal(earlier)}, uniform(60_000, 30 * ${day}))`;
  return `after(${literal(earlier)}, exponential({ mean: 7 * ${day} }), { cap: true })`;
}

function fits(maxLength: number | null, needed: number): boolean {
  return maxLength === null || maxLength >= needed;
}

/** As TypeScript writes it, with digits in groups. */
export function number(value: number): string {
  const [whole, fraction] = String(value).split('.');
  const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, '_');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Texts, numbers and lists of them as TypeScript writes them. */
export function literal(value: string | number | readonly (string | number)[]): string {
  if (Array.isArray(value)) return `[${value.map((one: string | number) => literal(one)).join(', ')}]`;
  if (typeof value === 'number') return number(value);
  return `'${String(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
