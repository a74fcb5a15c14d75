/** The scenario of the load engine's tests: one small table, transactions with known behaviour. */
import type { Draw, ScenarioSpec, TransactionSpec } from '../../src/scenario.ts';

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
    { name: 'before', description: 'as it is', migrations: '000', profile: 'stock' },
    {
      name: 'slow',
      description: 'every read takes a second',
      migrations: '000',
      profile: 'stock',
      rewrites: { read: { ...read, statements: { byId: 'SELECT $1::int AS id, pg_sleep(1)' } } },
    },
    {
      name: 'broken',
      description: 'every read fails, every transfer is rolled back',
      migrations: '000',
      profile: 'stock',
      rewrites: {
        read: { ...read, statements: { byId: 'SELECT 1 / ($1::int - $1::int) AS id' } },
        transfer: {
          ...transfer,
          async run(client, { id }: Params) {
            await client.query('take', [id]);
            throw new TypeError('changed its mind');
          },
        },
      },
    },
  ],
};
export default scenario;
