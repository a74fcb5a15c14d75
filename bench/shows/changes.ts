/** Changes of the webhook service that everybody gets wrong once, each beside the way that spares the traffic. */

/** A change, rehearsed by itself. */
export interface Show {
  /** What is compared; shows of one theme stand beside each other. */
  theme: string;
  way: string;
  /** Migrations after the preparation, in their order. */
  files: readonly string[];
  flags?: readonly string[];
}

/**
 * What the service lacks already is taken from it first, so that the shows can add it: a constraint, a proof, and a column to
 * fill. Nothing of it reads or writes rows.
 */
export const preparation = {
  up: `ALTER TABLE delivery_attempts ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_user_fkey;
ALTER TABLE delivery_attempts ADD COLUMN payer_id uuid;
`,
  down: `ALTER TABLE delivery_attempts DROP COLUMN payer_id;
ALTER TABLE delivery_attempts
    ADD CONSTRAINT delivery_attempts_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE delivery_attempts ALTER COLUMN user_id SET NOT NULL;
`,
};

const addColumn = 'ALTER TABLE delivery_attempts ADD COLUMN note text;';
const behindReader = ['--adversary', 'reader', '--hold', '3s'];

const owners = `FROM endpoints ep JOIN applications a ON a.id = ep.application_id
 WHERE ep.id = d.endpoint_id AND d.payer_id IS NULL`;

/** By physical block, each batch committed by itself, as migrations/webhooks/005 does it. */
const inBatches = `-- pgrehearse: no-transaction
CREATE PROCEDURE fill_payer() LANGUAGE plpgsql AS $$
DECLARE
    batch_blocks CONSTANT bigint := 1000;
    lower_block  bigint := 0;
    end_block    CONSTANT bigint := pg_relation_size('delivery_attempts') / 8192 + 1;
BEGIN
    WHILE lower_block < end_block LOOP
        UPDATE delivery_attempts d SET payer_id = a.user_id ${owners}
           AND d.ctid >= format('(%s,0)', lower_block)::tid
           AND d.ctid < format('(%s,0)', lower_block + batch_blocks)::tid;
        COMMIT;
        lower_block := lower_block + batch_blocks;
    END LOOP;
END $$;
CALL fill_payer();
DROP PROCEDURE fill_payer();
`;

const foreignKey = 'ALTER TABLE delivery_attempts ADD CONSTRAINT user_key FOREIGN KEY (user_id) REFERENCES users (id)';

export const shows: readonly Show[] = [
  { theme: 'A column behind a reader of 3 s', way: 'ADD COLUMN', files: [addColumn], flags: behindReader },
  {
    theme: 'A column behind a reader of 3 s',
    way: 'the same with a lock_timeout of 200 ms and retries',
    files: [addColumn],
    flags: [...behindReader, '--lock-timeout', '200ms'],
  },
  {
    theme: 'An index',
    way: 'CREATE INDEX',
    files: ['CREATE INDEX by_status ON delivery_attempts (http_status_code);'],
  },
  {
    theme: 'An index',
    way: 'CREATE INDEX CONCURRENTLY',
    files: ['CREATE INDEX CONCURRENTLY by_status ON delivery_attempts (http_status_code);'],
  },
  {
    theme: 'A backfill',
    way: 'one UPDATE of all rows',
    files: [`UPDATE delivery_attempts d SET payer_id = a.user_id ${owners};`],
  },
  { theme: 'A backfill', way: 'batches with a commit after each', files: [inBatches] },
  {
    theme: 'NOT NULL',
    way: 'SET NOT NULL',
    files: ['ALTER TABLE delivery_attempts ALTER COLUMN user_id SET NOT NULL;'],
  },
  {
    theme: 'NOT NULL',
    way: 'CHECK NOT VALID, VALIDATE, then SET NOT NULL',
    files: [
      'ALTER TABLE delivery_attempts ADD CONSTRAINT user_there CHECK (user_id IS NOT NULL) NOT VALID;',
      'ALTER TABLE delivery_attempts VALIDATE CONSTRAINT user_there;',
      `ALTER TABLE delivery_attempts ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE delivery_attempts DROP CONSTRAINT user_there;`,
    ],
  },
  { theme: 'A foreign key', way: 'in one step', files: [`${foreignKey};`] },
  {
    theme: 'A foreign key',
    way: 'NOT VALID, then VALIDATE',
    files: [`${foreignKey} NOT VALID;`, 'ALTER TABLE delivery_attempts VALIDATE CONSTRAINT user_key;'],
  },
  {
    theme: 'A type under prepared statements',
    way: 'varchar to text, which only the catalogue knows',
    files: ['ALTER TABLE events ALTER COLUMN transaction_hash TYPE text;'],
  },
  {
    theme: 'A type that writes the table anew',
    way: 'integer to bigint, under prepared statements',
    files: ['ALTER TABLE delivery_attempts ALTER COLUMN attempt_number TYPE bigint;'],
  },
];
