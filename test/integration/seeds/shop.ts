/** Tables with every kind of constraint and index that a load takes away and puts back. */
import {
  childNumber,
  compute,
  defineSeed,
  lookup,
  nullable,
  oneOf,
  parent,
  rowOf,
  serial,
  text,
  timestamp,
  uniform,
  uuid,
  zipfian,
} from 'pgrehearse';

const ddl = `
  CREATE EXTENSION IF NOT EXISTS btree_gist;
  CREATE SCHEMA sales;
  CREATE TABLE users (id uuid PRIMARY KEY, email text CONSTRAINT one_account UNIQUE, "Nick ""name" text NOT NULL,
    referrer uuid REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED, created_at timestamptz NOT NULL DEFAULT now());
  COMMENT ON CONSTRAINT one_account ON users IS 'It''s unique.';
  CREATE INDEX users_by_nick ON users (lower("Nick ""name") DESC NULLS LAST) INCLUDE (email) WHERE email IS NOT NULL;
  COMMENT ON INDEX users_by_nick IS 'by nick';
  CREATE TABLE sales.orders (id int8 GENERATED ALWAYS AS IDENTITY, user_id uuid NOT NULL,
    total numeric(10, 2) NOT NULL CHECK (total >= 0), state text NOT NULL DEFAULT 'open', tags text[], placed tstzrange,
    double_total numeric GENERATED ALWAYS AS (total * 2) STORED,
    PRIMARY KEY (id) WITH (fillfactor = 90),
    CONSTRAINT order_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE SET NULL,
    CONSTRAINT not_checked FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT once UNIQUE (user_id, id) DEFERRABLE,
    CONSTRAINT apart EXCLUDE USING gist (id WITH =));
  ALTER TABLE sales.orders DROP CONSTRAINT not_checked;
  ALTER TABLE sales.orders ADD CONSTRAINT not_checked FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
  CREATE INDEX orders_by_tag ON sales.orders USING gin (tags) WITH (fastupdate = off);
  CREATE INDEX orders_brin ON sales.orders USING brin (id);
  CREATE TABLE sales.lines (order_id int8 NOT NULL REFERENCES sales.orders, line int4 NOT NULL, amount int4 NOT NULL,
    PRIMARY KEY (order_id, line));
  CREATE TABLE outside (user_id uuid REFERENCES users (id));
  CREATE TABLE told (what text);
  CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO told VALUES (TG_TABLE_NAME); RETURN NEW; END $$;
  CREATE TRIGGER tell AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION tell()`;

const seed = defineSeed({
  asOf: '2026-11-01T00:00:00Z',
  tables: {
    users: {
      rows: 1_000,
      columns: {
        id: uuid(),
        email: nullable(0.1, text`u${serial()}@example.com`),
        'Nick "name': text`nick ${serial()}`,
        created_at: timestamp({ days: 90, inRowOrder: true }),
      },
    },
    'sales.orders': {
      rows: 3_000,
      latent: { user: rowOf('users', zipfian(1)) },
      columns: {
        id: serial(),
        user_id: lookup('users', 'id', 'user'),
        total: compute(({ random }) => Math.floor(random() * 10_000) / 100),
        tags: oneOf([['new'], ['new', 'big'], []]),
      },
    },
    'sales.lines': {
      childrenOf: {
        table: 'sales.orders',
        counts: [
          [0, 5],
          [1, 60],
          [4, 35],
        ],
      },
      columns: { order_id: parent('id'), line: childNumber(), amount: uniform(1, 9) },
    },
  },
});

export default { ddl, workload: { seed } };
