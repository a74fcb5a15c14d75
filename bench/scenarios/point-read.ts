/** pgbench's built-in select-only script as a scenario. */
import type { Draw, ScenarioSpec, TransactionSpec } from '../../src/scenario.ts';

const read: TransactionSpec<{ aid: number }, 'byKey'> = {
  description: 'one row by primary key',
  weight: 1,
  access: 'read',
  params: (draw: Draw) => ({ aid: draw.int(1, draw.rows('pgbench_accounts')) }),
  statements: { byKey: 'SELECT abalance FROM pgbench_accounts WHERE aid = $1' },
  run: (client, { aid }) => client.query('byKey', [aid]),
};

const scenario: ScenarioSpec = {
  name: 'point-read',
  title: 'Single-row reads',
  description: 'What pgbench -S does',
  workload: {
    name: 'point-read',
    migrations: 'none',
    baseline: '000',
    seed: { asOf: '2026-11-01T00:00:00Z', tables: { pgbench_accounts: { rows: 100_000, columns: {} } } },
    transactions: { read },
  },
  stages: [{ name: 'only', description: 'as it is', migrations: '000', profile: 'stock' }],
};
export default scenario;
