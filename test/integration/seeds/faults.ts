/** A seed that does not fit its tables in many ways. */
import { compute, constant, defineSeed, hex, oneOf, serial, uniform, uuid } from 'pgrehearse';

const ddl = `
  CREATE TYPE colour AS ENUM ('red');
  CREATE TABLE t (id int4 PRIMARY KEY, name varchar(5), number int2, required text NOT NULL, made int4 GENERATED ALWAYS AS (1) STORED, key uuid);
  CREATE TABLE coloured (id int4, c colour);
  CREATE TABLE parted (id int4) PARTITION BY RANGE (id)`;

const seed = defineSeed({
  asOf: '2026-11-01T00:00:00Z',
  tables: {
    t: {
      rows: 100,
      columns: {
        id: uuid(),
        name: hex(3),
        number: uniform(40_000, 50_000),
        made: serial(),
        nothing: constant(1),
        key: compute(({ row }) => {
          if (row === 7) throw new Error('seven is not allowed');
          return null;
        }),
      },
    },
    coloured: { rows: 10, columns: { id: serial(), c: oneOf(['red', 'green']) } },
    parted: { rows: 10, columns: { id: serial() } },
    missing: { rows: 10, columns: { id: serial() } },
  },
});

export default { ddl, workload: { seed } };
