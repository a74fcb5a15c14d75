/** The clean-up of the document as a scheduler would call it. */
import type { JobSpec } from 'pgrehearse';
import { sessionsSeed } from '../../seeds/sessions.ts';

/** The database's clock stands here when the load begins. */
const asOf = `timestamp '${sessionsSeed.asOf}'`;

/** Beside the load from the stage on that has the functions. All three run within 15 s: with --quick too. */
export const cleanUp: Record<string, JobSpec> = {
  delete_expired_nonces: {
    // The document's 5 minutes would let 36,000 pile up at 120 sign-ins a second. 5,000 in 30 s keep up and take hold of fewer rows.
    description: 'Delete 5,000 nonces whose five minutes are over',
    firstMs: 6_000,
    everyMs: 30_000,
    statements: [`SELECT delete_expired_nonces(${asOf})`],
  },
  end_stale_sessions: {
    description: 'End calls that have been open for more than two hours',
    firstMs: 9_000,
    everyMs: 300_000,
    statements: [`SELECT end_stale_sessions(${asOf})`],
  },
  create_future_partitions: {
    // The first run has a month to create, behind everybody who inserts; later ones find all there.
    description: 'Make sure that telemetry has partitions for the next three months',
    firstMs: 12_000,
    everyMs: 3_600_000,
    statements: [`SELECT create_future_partitions(${asOf})`],
  },
};
