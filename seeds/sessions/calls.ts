/** Calls between two wallets, and the reports about them. */
import {
  after,
  asOf,
  chance,
  column,
  combine,
  constant,
  faked,
  lookup,
  nullable,
  rowNumber,
  rowOf,
  serial,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  when,
  type TableSpec,
} from 'pgrehearse';
import { byActivity, byOffence, historyDays, hourMs, minuteMs, rhythm, secondMs } from './laws.ts';

const shortCall = uniform(5 * secondMs, minuteMs);
const chat = uniform(minuteMs, 10 * minuteMs);
const longCall = uniform(10 * minuteMs, 90 * minuteMs);

/**
 * A call is reported exactly when reports name it. There is one report to 25 calls and about one reported call to 66: report r falls
 * into block floor(25 r / 66), and all reports of a block are about one call among the 25 of the block's first report. Exact where
 * there are 25 calls to a report, as at every scale with up to four decimals.
 */
export const sessions: TableSpec = {
  rows: 3_000_000,
  latent: {
    isReported: combine(
      [rowNumber()],
      (row) => {
        const report = Math.floor(row / 25);
        const block = Math.floor((report * 25) / 66);
        return Number(report === Math.ceil((block * 66) / 25) && row % 25 === (report * 11) % 25);
      },
      { as: 'boolean' },
    ),
    caller: rowOf('users', byActivity()),
    drawn: when('isReported', rowOf('users', byOffence()), rowOf('users', byActivity())),
    /** Nobody calls himself. */
    callee: combine(['drawn', 'caller'], (drawn, caller) => (drawn !== caller ? drawn : drawn > 0 ? drawn - 1 : 1)),
    durationMs: when(chance(0.55), shortCall, when(chance(0.35 / 0.45), chat, longCall)),
    /** All but some calls of the last two hours. */
    hasEnded: combine(
      ['started_at', 'durationMs', chance(0.35), asOf()],
      (start, duration, open, now) => Number(start + duration <= now && (open === 0 || now - start >= 7_200_000)),
      { as: 'boolean' },
    ),
  },
  columns: {
    id: text`${uuid()}`,
    a_addr: lookup('users', 'wallet_address', 'caller'),
    b_addr: lookup('users', 'wallet_address', 'callee'),
    started_at: timestamp({ days: historyDays, endsMsBefore: 5 * secondMs, inRowOrder: true, ...rhythm }),
    ended_at: when('hasEnded', after('started_at', 'durationMs')),
    reason_end: when(
      'hasEnded',
      when(
        'isReported',
        constant('report'),
        weighted([
          ['skip', 50],
          ['hangup', 20],
          ['timeout', 15],
          ['error', 12],
          ['report', 1.5],
        ]),
      ),
    ),
    chain_id: weighted([
      [1, 60],
      [137, 15],
      [56, 10],
      [42_161, 8],
      [8_453, 7],
    ]),
    tip_count: weighted([
      [0, 96],
      [1, 3],
      [2, 0.7],
      [5, 0.3],
    ]),
    reported: column('isReported'),
  },
};

/** The caller reports the callee in 85 of 100 cases, some of them more than once. */
export const reports: TableSpec = {
  rows: 120_000,
  latent: {
    session: combine([rowNumber()], (row) => {
      const report = Math.ceil((Math.floor((row * 25) / 66) * 66) / 25);
      return report * 25 + ((report * 11) % 25);
    }),
    byCaller: chance(0.85),
    caller: lookup('sessions', 'a_addr', 'session'),
    callee: lookup('sessions', 'b_addr', 'session'),
  },
  columns: {
    id: serial(),
    reporter_addr: when('byCaller', 'caller', 'callee'),
    target_addr: when('byCaller', 'callee', 'caller'),
    session_id: lookup('sessions', 'id', 'session'),
    reason_enum: weighted([
      ['nudity', 35],
      ['harassment', 25],
      ['spam', 20],
      ['underage', 5],
      ['scam', 10],
      ['other', 5],
    ]),
    notes: nullable(
      0.6,
      faked((faker) => faker.lorem.words({ min: 3, max: 12 })),
    ),
    created_at: after(lookup('sessions', 'started_at', 'session'), uniform(10 * secondMs, hourMs), { cap: true }),
  },
};
