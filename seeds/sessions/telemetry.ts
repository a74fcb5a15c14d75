/** What clients tell about a call while it lasts: two events for each. */
import {
  chance,
  decimal,
  json,
  nullable,
  oneOf,
  parent,
  serial,
  timestamp,
  uniform,
  weighted,
  when,
  type TableSpec,
} from 'pgrehearse';
import { historyDays, rhythm } from './laws.ts';

export const telemetryEvents: TableSpec = {
  childrenOf: { table: 'sessions', counts: [[2, 1]] },
  columns: {
    id: serial(),
    address: nullable(0.02, when(chance(0.5), parent('a_addr'), parent('b_addr'))),
    type: weighted([
      ['quality_sample', 55],
      ['ice_state', 15],
      ['queue_join', 10],
      ['match_found', 8],
      ['call_start', 6],
      ['call_end', 6],
    ]),
    payload: json({
      sessionId: parent('id'),
      rtt: uniform(12, 480),
      jitter: decimal(0, 60, 1),
      bitrate: uniform(150, 2_500),
      ua: oneOf(['Chrome/141 Android', 'Chrome/141 Windows', 'Safari/26 iPhone', 'Safari/26 Mac', 'Firefox/144 Linux']),
    }),
    // The rhythm of the calls, whose rows these rows follow: an event is about as late as its call.
    ts: timestamp({ days: historyDays, inRowOrder: true, ...rhythm }),
  },
};
