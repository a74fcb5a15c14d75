/** What the micro-benchmark measures: one column for every generator, a column type for each, the tables of webhooks. */
import {
  after,
  asOf,
  balanced,
  byIndex,
  chance,
  childNumber,
  column,
  combine,
  compute,
  constant,
  decimal,
  defineSeed,
  evenly,
  exponential,
  faked,
  groups,
  hashedId,
  hex,
  inTurn,
  json,
  list,
  logNormal,
  logNormalShares,
  lookup,
  nearby,
  normal,
  nullable,
  oneOf,
  parent,
  parentRow,
  portion,
  recentFirst,
  reference,
  rowNumber,
  rowOf,
  rowUnder,
  serial,
  shuffledId,
  siblings,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  weightedRows,
  when,
  zipf,
  zipfian,
  type Column,
} from 'pgrehearse';
import { webhooksSeed } from '../../seeds/webhooks.ts';
import { oids } from '../../src/seed/encode-value.ts';
import type { TableColumn } from '../../src/seed/row-encoder.ts';

export type TypeName = keyof typeof oids | 'text[]' | 'numeric(12,2)';

const sharing = groups([
  [1, 75],
  [2, 25],
]);
const words = ['paid', 'open', 'cancelled', 'refunded'];
const hours = { days: 90, daily: 0.5, weekend: 0.6, growthPerDay: 0.01 };

/** By name: the generator and the type of the column that it fills. */
export const generators: Record<string, { column: Column; type: TypeName }> = {
  serial: { column: serial(), type: 'int8' },
  shuffledId: { column: shuffledId(), type: 'int8' },
  hashedId: { column: hashedId(), type: 'int8' },
  uuid: { column: uuid(), type: 'uuid' },
  hex: { column: hex(32), type: 'text' },
  uniform: { column: uniform(1, 1_000), type: 'int4' },
  decimal: { column: decimal(1, 900, 2), type: 'numeric(12,2)' },
  normal: { column: normal({ mean: 100, deviation: 20 }), type: 'int4' },
  logNormal: { column: logNormal({ median: 180, sigma: 0.8 }), type: 'int4' },
  exponential: { column: exponential({ mean: 90 }), type: 'int4' },
  zipf: { column: zipf(1_000_000, 1), type: 'int4' },
  chance: { column: chance(0.9), type: 'bool' },
  portion: { column: portion(parent('total')), type: 'numeric(12,2)' },
  balanced: { column: balanced(uniform(-500, 500)), type: 'numeric(12,2)' },
  constant: { column: constant('healthy'), type: 'text' },
  oneOf: { column: oneOf(words), type: 'text' },
  weighted: { column: weighted(words.map((word, index) => [word, 1 + index])), type: 'text' },
  inTurn: { column: inTurn(words), type: 'text' },
  byIndex: { column: byIndex(words, uniform(0, 3)), type: 'text' },
  nullable: { column: nullable(0.1, uniform(1, 9)), type: 'int4' },
  when: { column: when(chance(0.5), uniform(1, 9), uniform(10, 99)), type: 'int4' },
  timestamp: { column: timestamp(hours), type: 'timestamptz' },
  timestampInRowOrder: { column: timestamp({ ...hours, inRowOrder: true }), type: 'timestamptz' },
  after: { column: after(timestamp(hours), uniform(1, 9_000)), type: 'timestamptz' },
  asOf: { column: asOf(), type: 'timestamptz' },
  referenceEvenly: { column: reference('owners', 'id', evenly()), type: 'uuid' },
  referenceZipfian: { column: reference('owners', 'id', zipfian(0.9)), type: 'uuid' },
  referenceRecentFirst: { column: reference('owners', 'id', recentFirst()), type: 'uuid' },
  referenceNearby: { column: reference('owners', 'id', nearby()), type: 'uuid' },
  referenceLogNormalShares: { column: reference('owners', 'id', logNormalShares(0.7)), type: 'uuid' },
  referenceWeightedRows: {
    column: reference(
      'owners',
      'id',
      weightedRows((row) => 1 + (row % 7)),
    ),
    type: 'uuid',
  },
  rowOf: { column: rowOf('owners'), type: 'int4' },
  lookup: { column: lookup('owners', 'id', rowNumber()), type: 'uuid' },
  rowUnder: { column: rowUnder('groups', 'owners', rowOf('owners')), type: 'int4' },
  parent: { column: parent('id'), type: 'uuid' },
  parentRow: { column: parentRow(), type: 'int4' },
  childNumber: { column: childNumber(), type: 'int4' },
  siblings: { column: siblings(), type: 'int4' },
  column: { column: column('uniform'), type: 'int4' },
  rowNumber: { column: rowNumber(), type: 'int4' },
  groupsNumber: { column: sharing.number(), type: 'int4' },
  groupsPlace: { column: sharing.place(), type: 'int4' },
  text: { column: text`user-${serial()}@example.com`, type: 'text' },
  faked: { column: faked((faker) => faker.person.fullName()), type: 'text' },
  json: { column: json({ state: oneOf(words), seats: uniform(1, 50) }), type: 'jsonb' },
  list: { column: list([hex(20), hex(20), hex(20)], uniform(1, 3)), type: 'text[]' },
  combine: { column: combine([uniform(1, 9), uniform(1, 9)], (price, quantity) => price * quantity), type: 'int4' },
  compute: { column: compute(({ row, random }) => Math.floor(random() * 100) + row), type: 'int4' },
};

/** A column with cells of every type that can be encoded by numbers, words, text or lists. */
export const encodings: Partial<Record<TypeName, string>> = {
  bool: 'chance',
  int2: 'uniform',
  int4: 'uniform',
  int8: 'hashedId',
  float4: 'uniform',
  float8: 'decimal',
  'numeric(12,2)': 'decimal',
  text: 'hex',
  varchar: 'faked',
  uuid: 'uuid',
  timestamptz: 'timestamp',
  date: 'timestamp',
  jsonb: 'json',
  'text[]': 'list',
};

/** Large enough that the vectors of parents and owners do not stay in the processor's cache. */
export const microSeed = defineSeed({
  asOf: '2026-11-01T00:00:00Z',
  tables: {
    owners: { rows: 10_000, columns: { id: uuid() } },
    groups: {
      childrenOf: {
        table: 'owners',
        counts: [
          [50, 1],
          [100, 1],
        ],
      },
      columns: { id: uuid(), total: decimal(1, 900, 2) },
    },
    cells: {
      childrenOf: {
        table: 'groups',
        counts: [
          [1, 2],
          [2, 1],
          [5, 1],
        ],
      },
      columns: Object.fromEntries(Object.entries(generators).map(([name, generator]) => [name, generator.column])),
    },
  },
});

/** A column of the real table with this type. */
export function columnOf(name: string, type: TypeName): TableColumn {
  const isList = type === 'text[]';
  const oid = isList ? 1009 : type === 'numeric(12,2)' ? oids.numeric : oids[type];
  const modifier = type === 'numeric(12,2)' ? ((12 << 16) | 2) + 4 : -1;
  return { column: name, name: type, oid, modifier, elementOid: isList ? oids.text : 0, isEnum: false, notNull: false };
}

const typesOfWebhooks: Record<string, TypeName> = {
  id: 'uuid',
  block_number: 'int8',
  log_index: 'int4',
  topics: 'text[]',
  ingested_at: 'timestamptz',
  processed_at: 'timestamptz',
  event_id: 'uuid',
  endpoint_id: 'uuid',
  attempt_number: 'int4',
  http_status_code: 'int4',
  attempted_at: 'timestamptz',
  completed_at: 'timestamptz',
  duration_ms: 'int4',
  success: 'bool',
  should_retry: 'bool',
  next_retry_at: 'timestamptz',
};

function columnsOf(table: string, without: readonly string[] = []): TableColumn[] {
  return Object.keys(webhooksSeed.tables[table]!.columns)
    .filter((name) => !without.includes(name))
    .map((name) => columnOf(name, typesOfWebhooks[name] ?? 'text'));
}

/** The variant of delivery_attempts with eight columns leaves these out: answers make up half of a row's bytes. */
export const wideColumns = ['response_body', 'error_message', 'completed_at', 'should_retry', 'next_retry_at'];

/** The large tables, with the columns and types of the baseline migration. */
export const webhooksColumns: Record<string, TableColumn[]> = {
  events: columnsOf('events'),
  delivery_attempts: columnsOf('delivery_attempts'),
  'delivery_attempts 8Columns': columnsOf('delivery_attempts', wideColumns),
};
