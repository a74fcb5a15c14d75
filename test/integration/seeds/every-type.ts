/** A table with every column type that seeds can fill, each by the generators that make it. */
import {
  after,
  asOf,
  byIndex,
  chance,
  compute,
  constant,
  decimal,
  defineSeed,
  faked,
  hashedId,
  hex,
  json,
  list,
  nullable,
  oneOf,
  serial,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  when,
} from 'pgrehearse';

const ddl = `
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
  CREATE DOMAIN amount AS numeric(12, 2) CHECK (VALUE > -1000000);
  CREATE TABLE every_type (
    id int8 PRIMARY KEY, small int2, whole int4, big int8, hashed int8, huge int8, real4 float4, real8 float8,
    flag bool, truth bool, money amount, exact numeric, fixed numeric(20, 6), zero numeric(5, 0),
    key uuid, key_text text, code varchar(12), filled char(6), words text, empty text, unicode text,
    at timestamptz, local timestamp, day date, doc jsonb, raw_doc json, made jsonb, feeling mood, address inet, bytes bytea,
    names text[], numbers int4[], keys uuid[], none text[], nested_nulls text[], chosen int4[], flags bool[]
  )`;

const seed = defineSeed({
  asOf: '2026-11-01T00:00:00Z',
  tables: {
    every_type: {
      rows: 700,
      columns: {
        id: serial(),
        small: uniform(-32_768, 32_767),
        whole: nullable(0.2, uniform(-2_000_000_000, 2_000_000_000)),
        big: compute(({ random }) => Math.round((random() - 0.5) * 2 ** 53)),
        hashed: hashedId(),
        huge: oneOf([9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, -1n]),
        real4: decimal(-10, 10, 1),
        real8: compute(({ random }) => random() * 1e12),
        flag: chance(0.4),
        truth: weighted([
          [true, 2],
          [false, 1],
          [null, 1],
        ]),
        money: decimal(-5_000, 99_999, 2),
        exact: oneOf(['0', '-0.00012', '10000', '123456789012345678901234567890.5', '0.1', 1e-7, 12_345.678]),
        fixed: nullable(0.1, decimal(-1_000_000, 1_000_000, 6)),
        zero: uniform(-3, 3),
        key: when(chance(0.9), uuid()),
        key_text: uuid(),
        code: text`c-${serial()}`,
        filled: hex(3),
        words: faked((faker) => faker.lorem.sentence()),
        empty: constant(''),
        unicode: oneOf(['é', '日本', '🙂', "it's \\ \n"]),
        at: timestamp({ days: 4_000, inRowOrder: true }),
        local: nullable(0.1, after(asOf(), uniform(-10_000_000, 10_000_000))),
        day: byIndex([new Date('1999-12-31'), new Date('2000-01-01'), null, new Date('2026-02-28')], uniform(0, 3)),
        doc: json({ n: uniform(1, 9), 'k"ey': oneOf(['a"b', null]), at: asOf(), inner: json({ id: uuid() }) }),
        raw_doc: json({ a: list([constant(1), constant(null)]) }),
        made: compute(({ row }) => ({ row, list: [1, 'x', null] })),
        feeling: oneOf(['sad', 'ok', 'happy']),
        address: oneOf(['10.0.0.1', '192.168.255.0/24']),
        bytes: compute(({ row }) => Uint8Array.of(row & 0xff, 0, 255)),
        names: list([hex(2), nullable(0.5, text`n${serial()}`)], uniform(0, 2)),
        numbers: list([uniform(1, 9), uniform(10, 99)]),
        keys: list([uuid()]),
        none: constant([]),
        nested_nulls: constant(['a', null]),
        chosen: oneOf([[1, 2], [3], []]),
        flags: compute(({ row }) => [row % 2 === 0, null]),
      },
    },
  },
});

export default { ddl, workload: { seed } };
