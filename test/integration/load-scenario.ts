/** The scenario of the load engine's tests: one small table, transactions with known behaviour. */
import type {
  Draw,
  IsolationLevel,
  ScenarioSpec,
  StageSpec,
  TransactionBody,
  TransactionSpec,
} from '../../src/scenario.ts';

interface Params {
  id: number;
}

const params = (draw: Draw): Params => ({ id: draw.int(1, draw.rows('accounts')) });

const read: TransactionSpec<Params, 'byId'> = {
  description: 'one account by primary key',
  weight: 3,
  access: 'read',
  params,
  classify: ({ id }) => (id <= 10 ? 'first' : 'rest'),
  statements: { byId: 'SELECT id, balance, name FROM accounts WHERE id = $1' },
  run: (client, { id }) => client.query('byId', [id]),
};

const transfer: TransactionSpec<Params, 'read' | 'take'> = {
  description: 'two statements in one transaction',
  weight: 1,
  access: 'write',
  atomic: true,
  params,
  statements: {
    read: 'SELECT balance FROM accounts WHERE id = $1 FOR UPDATE',
    take: 'UPDATE accounts SET balance = balance + 1 WHERE id = $1 RETURNING balance',
  },
  async run(client, { id }) {
    const [account] = await client.query<{ balance: number }>('read', [id]);
    const [after] = await client.query<{ balance: number }>('take', [id]);
    if (after!.balance !== account!.balance + 1) throw new Error('the row was not locked');
    return after;
  },
};

const stage = (name: string, rewrites: Record<string, TransactionBody> = {}): StageSpec => ({
  name,
  description: name,
  migrations: '000',
  profile: 'stock',
  rewrites,
});

/** Each read takes a second. */
const slow = stage('slow', { read: { ...read, statements: { byId: 'SELECT $1::int AS id, pg_sleep(1)' } } });

/** Reads fail; writes change their mind after the first statement. */
const broken = stage('broken', {
  read: { ...read, statements: { byId: 'SELECT 1 / ($1::int - $1::int) AS id' } },
  transfer: {
    ...transfer,
    async run(client, { id }: Params) {
      await client.query('take', [id]);
      throw new TypeError('changed its mind');
    },
  },
});

/** Writes swallow the error of a statement and go on. */
const careless = stage('careless', {
  transfer: {
    atomic: true,
    statements: { take: transfer.statements.take, fail: 'SELECT 1 / ($1::int - $1::int)' },
    async run(client, { id }: Params) {
      await client.query('take', [id]);
      await client.query('fail', [id]).catch(() => 'never mind');
    },
  },
});

/** Writes lock two rows in an order that depends on the parameters, with time to meet another. */
const deadlocking = stage('deadlocking', {
  transfer: {
    atomic: true,
    statements: {
      take: 'UPDATE accounts SET balance = balance + 1 WHERE id = $1',
      rest: 'SELECT pg_sleep(0.02)',
    },
    async run(client, { id }: Params) {
      await client.query('take', [1 + (id % 2)]);
      await client.query('rest');
      await client.query('take', [2 - (id % 2)]);
    },
  },
});

/** Every write asks the server for its isolation level, and fails where it is another. */
const isolated = (name: string, isolation?: IsolationLevel): StageSpec =>
  stage(name, {
    transfer: {
      atomic: true,
      ...(isolation === undefined ? {} : { isolation }),
      statements: { level: "SELECT current_setting('transaction_isolation') AS level" },
      async run(client) {
        const [row] = await client.query<{ level: string }>('level');
        if (row!.level !== (isolation ?? 'read committed')) throw new TypeError(`it is ${row!.level}`);
      },
    },
  });

/** Read a sum and write what follows from it: two at the same time are not serialisable. */
const conflicting = stage('conflicting', {
  transfer: {
    atomic: true,
    isolation: 'serializable',
    statements: {
      sum: 'SELECT sum(balance)::int AS sum FROM accounts WHERE id <= 10',
      rest: 'SELECT pg_sleep(0.01)',
      write: 'UPDATE accounts SET balance = balance + 1 WHERE id = $1',
    },
    async run(client, { id }: Params) {
      await client.query('sum');
      await client.query('rest');
      await client.query('write', [1 + (id % 10)]);
    },
  },
});

/** One account in a hundred shows too much. */
const wrong = stage('wrong', {
  read: {
    ...read,
    statements: { byId: 'SELECT id, balance + (id = 50)::int AS balance, name FROM accounts WHERE id = $1' },
  },
});

/** Reads leave their connection as a pooler in transaction mode may hand it out next: without prepared statements. */
const pooled = stage('pooled', {
  read: {
    statements: { byId: read.statements.byId, forget: 'DEALLOCATE ALL' },
    async run(client, { id }: Params) {
      const rows = await client.query('byId', [id]);
      await client.query('forget');
      return rows;
    },
  },
});

/** Ends the worker thread. */
const crashing = stage('crashing', {
  read: {
    ...read,
    run: () => {
      process.exit(3);
    },
  },
});

const scenario: ScenarioSpec = {
  name: 'load-test',
  title: 'Load test',
  description: 'Accounts',
  workload: {
    name: 'accounts',
    migrations: 'none',
    baseline: '000',
    seed: { asOf: '2026-11-01T00:00:00Z', tables: { accounts: { rows: 100, columns: {} } } },
    transactions: { read, transfer },
  },
  stages: [
    stage('before'),
    slow,
    broken,
    careless,
    deadlocking,
    wrong,
    crashing,
    pooled,
    conflicting,
    isolated('default-level'),
    isolated('serializable-level', 'serializable'),
    isolated('repeatable-level', 'repeatable read'),
  ],
};
export default scenario;
