/** The load against the server that does nothing: one statement with one parameter. */
import type { ScenarioSpec, TransactionSpec } from '../../scenario.ts';

const ask: TransactionSpec<number, 'ask'> = {
  description: 'one statement, one parameter, one row',
  weight: 1,
  access: 'read',
  params: (draw) => draw.int(1, 1_000_000),
  statements: { ask: 'SELECT $1::int AS answer' },
  run: (client, value) => client.query('ask', [value]),
};

const scenario: ScenarioSpec = {
  name: 'ceiling',
  title: 'Ceiling of the load generator',
  description: 'What the generator itself can offer',
  workload: {
    name: 'ceiling',
    migrations: 'none',
    baseline: 'none',
    seed: { asOf: '2026-11-01T00:00:00Z', tables: {} },
    transactions: { ask },
  },
  stages: [{ name: 'noop', description: 'no work at all', migrations: 'none', profile: 'stock' }],
};
export default scenario;
