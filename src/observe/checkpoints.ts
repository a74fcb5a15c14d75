/** How many checkpoints a server has begun: they make blocks slower, and are recorded rather than suppressed. */
import type { Client } from 'pg';

/** Where they are counted moved in PostgreSQL 17. */
const sources = {
  before17: 'SELECT checkpoints_timed + checkpoints_req AS count FROM pg_stat_bgwriter',
  from17: 'SELECT num_timed + num_requested AS count FROM pg_stat_checkpointer',
};

/** Checkpoints since the statistics were last reset. */
export async function checkpointsBegun(client: Client, major: number): Promise<number> {
  const { rows } = await client.query<{ count: string }>(major >= 17 ? sources.from17 : sources.before17);
  return Number(rows[0]!.count);
}
