/** Changes with a known effect on the last stage of webhooks: the gates have to find the harmful ones and to pass the harmless one. */
import { defineScenario, type StageSpec, type TransactionBody } from 'pgrehearse';
import webhooks from '../../scenarios/webhooks.ts';

interface PlantedCase {
  description: string;
  /** What a verdict has to say. */
  harmful: boolean;
  /** Statements of a migration after the last. */
  sql?: string;
  /** Of the load that it is planted for. */
  rewrites?: (ratePerSecond: number) => NonNullable<StageSpec['rewrites']>;
}

const last = webhooks.stages.at(-1)!;

/** How the last stage carries out a transaction. */
function bodyOf(transaction: string): TransactionBody {
  return last.rewrites?.[transaction] ?? webhooks.workload.transactions[transaction]!;
}

/** A stall for all, once in twenty seconds: whoever writes events waits behind the lock, and the pool behind them. */
const stallEverySeconds = 20;
/** Of the transactions, nearly: those that write an event. */
const shareOfIngest = 0.2;

export const cases: Record<string, PlantedCase> = {
  nothing: {
    description: 'An index is renamed and a table gets a comment',
    harmful: false,
    sql: `ALTER INDEX idx_events_ingested_at RENAME TO idx_events_by_time;
          COMMENT ON TABLE events IS 'What the chain said';`,
  },
  'dropped-index': {
    description: 'The index that pages of deliveries are read from is dropped',
    harmful: true,
    sql: 'DROP INDEX idx_delivery_attempts_endpoint_attempted;',
  },
  'slow-transaction': {
    description: 'One transaction sleeps 2 ms more',
    harmful: true,
    rewrites: () => ({
      endpoint_match: {
        statements: { ...bodyOf('endpoint_match').statements, pause: 'SELECT pg_sleep(0.002)::text' },
        run: async (client, params) => {
          await client.query('pause');
          return bodyOf('endpoint_match').run(client, params);
        },
      },
    }),
  },
  'bad-statistics': {
    description: 'A statistics target of 1 and a wrong number of distinct values make the planner read whole tables',
    harmful: true,
    sql: `ALTER TABLE endpoint_routes ALTER COLUMN chain_id SET STATISTICS 1, ALTER COLUMN contract SET STATISTICS 1,
            ALTER COLUMN signature SET STATISTICS 1, ALTER COLUMN chain_id SET (n_distinct = 1),
            ALTER COLUMN contract SET (n_distinct = 1), ALTER COLUMN signature SET (n_distinct = 1);
          ANALYZE endpoint_routes;`,
  },
  stalls: {
    description: 'A lock is held for 200 ms about once in 20 s',
    harmful: true,
    rewrites: (ratePerSecond) => ({
      event_ingest: {
        statements: {
          ...bodyOf('event_ingest').statements,
          lock: 'LOCK TABLE events IN ACCESS EXCLUSIVE MODE',
          hold: 'SELECT pg_sleep(0.2)::text',
        },
        atomic: true,
        run: async (client, params: unknown[]) => {
          if (isOneIn(ratePerSecond * shareOfIngest * stallEverySeconds, String(params[0]))) {
            await client.query('lock');
            await client.query('hold');
          }
          return bodyOf('event_ingest').run(client, params);
        },
      },
    }),
  },
};

/** The same arrivals in every run, spread by the random digits of their identifier. */
function isOneIn(count: number, uuid: string): boolean {
  return Number.parseInt(uuid.slice(-7), 16) % Math.round(count) === 0;
}

/** The last stage of webhooks beside itself with the case planted. */
export function plant(
  name: string,
  migrationsFolder: string,
  ratePerSecond: number,
): ReturnType<typeof defineScenario> {
  const { description, rewrites } = cases[name]!;
  const { answersDiffer: _answersDiffer, ...stage } = last;
  const { claims: _claims, ...scenario } = webhooks;
  return defineScenario({
    ...scenario,
    name: `planted-${name}`,
    title: `Planted: ${description}`,
    // Readings name stages of the ladder, of which only the last is left here.
    workload: { ...webhooks.workload, invariants: {}, readings: {} },
    stages: [
      { ...stage, name: 'before', description: 'The last stage of webhooks' },
      {
        ...stage,
        name: 'after',
        description,
        migrationsFolder,
        rewrites: { ...stage.rewrites, ...rewrites?.(ratePerSecond) },
      },
    ],
  });
}
