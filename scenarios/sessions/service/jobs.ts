/** The document's scheduled jobs, lines 130 to 133. Each statement touches few rows, and never two runs of a job at once. */
import { Cron } from 'croner';
import { utc, type Statement } from './database.ts';
import { optimisationReport } from './optimisation.ts';
import type { Parts } from './parts.ts';
import type { Watch } from './watch.ts';

const batch = 5_000;

/** By index on expires_at where migration 003 has been; a scan of the table before, which is what "before" costs. */
const deleteNonces: Statement = {
  name: 'delete_expired_nonces',
  text: `
    WITH gone AS (
      DELETE FROM nonces WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM nonces WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))
      RETURNING 1)
    SELECT count(*) AS deleted FROM gone`,
};

/** Nobody is two hours on a call: a client went away. */
const endStale: Statement = {
  name: 'end_stale_sessions',
  text: `
    UPDATE sessions SET ended_at = $1, reason_end = 'timeout'
     WHERE ended_at IS NULL AND started_at < $1::timestamp - INTERVAL '2 hours'
    RETURNING id, a_addr, b_addr`,
};

const endBlocks: Statement = {
  name: 'end_blocks',
  text: 'UPDATE blocks SET active = false WHERE active AND expires_at <= $1',
};

const monthsAhead: Statement = { name: 'months_ahead', text: 'SELECT create_future_partitions($1)' };

/** Returns when no expired nonce is left, or a batch was not full. */
export async function cleanUp({ database, cache, clock }: Parts): Promise<void> {
  const now = utc(clock());
  for (;;) {
    const [gone] = await database.query<{ deleted: number }>(deleteNonces, [now, batch]);
    if (gone!.deleted < batch) break;
  }
  const ended = await database.query<{ id: string; a_addr: string; b_addr: string }>(endStale, [now]);
  await cache.forget('session', ...ended.map(({ id }) => id));
  await cache.forget('query', ...ended.flatMap(({ a_addr, b_addr }) => [a_addr, b_addr]));
}

/** What the document calls security clean-up and maintenance. */
export async function maintain({ database, schema, clock }: Parts): Promise<void> {
  if (schema.hasColumns) await database.query(endBlocks, [utc(clock())]);
  if (schema.hasPartitions) await database.query(monthsAhead, [utc(clock())]);
}

/** The document optimises every quarter of an hour: drops indexes, runs VACUUM. Here it says what it would look at. */
async function analyse({ database, log }: Parts): Promise<void> {
  for (const { finding } of await optimisationReport(database)) log.info(finding);
}

/** Returns a function that stops them all. */
export function startJobs(parts: Parts, watch: Watch): () => void {
  const start = (name: string, pattern: string, run: () => void | Promise<void>) => {
    const failed = (error: unknown) => parts.log.warn(`The job "${name}" failed: ${(error as Error).message}`);
    return new Cron(pattern, { protect: true, catch: failed }, run);
  };
  const jobs = [
    start('monitoring', '* * * * *', () => watch.look()),
    start('clean-up', '*/5 * * * *', () => cleanUp(parts)),
    start('analysis', '*/15 * * * *', () => analyse(parts)),
    start('maintenance', '0 * * * *', () => maintain(parts)),
  ];
  return () => {
    for (const job of jobs) job.stop();
  };
}
