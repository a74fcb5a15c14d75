/**
 * A double-entry ledger at production size, from a real schema review, the source document: entries are posted, balances and
 * histories read, anchors authorized and settled. "before" keeps balances by a trigger for each row, "after" holds the rate.
 *
 * 28 chart accounts take most of the traffic: figures are reported for them and for the rest apart.
 */
import { defineScenario, defineWorkload, type JobSpec } from 'pgrehearse';
import { ledgerSeed } from '../seeds/ledger.ts';
import * as anchors from './ledger/anchors.ts';
import { claims } from './ledger/claims.ts';
import { invariants } from './ledger/invariants.ts';
import * as journal from './ledger/journal.ts';
import { readings } from './ledger/readings.ts';

const ledger = defineWorkload({
  name: 'ledger',
  migrations: 'migrations/ledger',
  baseline: '001',
  seed: ledgerSeed,
  transactions: {
    balance_lookup: journal.balanceLookup,
    post_entry: journal.postEntry,
    journal_search: journal.journalSearch,
    recent_entries: journal.recentEntries,
    balance_history: journal.balanceHistory,
    trial_balance: journal.trialBalance,
    anchor_lifecycle: anchors.anchorLifecycle,
    anchor_user_open: anchors.anchorUserOpen,
    obligation_summary: anchors.obligationSummary,
  },
  invariants,
  readings,
});

const searchPosted = 'the partial indexes serve who asks for posted entries only: pending ones are gone';

/** Phase 2 of the document: balances read from a view, and the search that phase 1 asks for. */
const readFromView = {
  rewrites: {
    journal_search: journal.journalSearchPosted,
    balance_lookup: journal.balanceFromView,
    trial_balance: journal.trialBalanceFromView,
  },
  answersDiffer: {
    journal_search: searchPosted,
    balance_lookup: 'the view is as old as its refresh, and counts posted entries only',
    trial_balance: 'the view is as old as its refresh',
  },
};

const refreshBalances: JobSpec = {
  description: 'The view that balances are read from, refreshed without a lock against readers',
  everyMs: 30_000,
  statements: ['REFRESH MATERIALIZED VIEW CONCURRENTLY mv_account_balances_optimized'],
};

/** The automation that the document asks for; the migration leaves one month ahead, so the first run attaches two under load. */
const createPartitions: JobSpec = {
  description: 'Partitions for three months ahead, attached beside the load',
  everyMs: 3_600_000,
  firstMs: 10_000,
  statements: [
    `SELECT ensure_monthly_partitions('journal_entries', max(date), (max(date) + INTERVAL '3 months')::date) FROM journal_entries`,
  ],
};

export default defineScenario({
  name: 'ledger',
  title: 'Double-entry ledger',
  description: '1.5 million journal entries, 3.45 million lines, 28 accounts with most of them',
  workload: ledger,
  stages: [
    {
      name: 'before',
      description:
        'As the document found it: balances by a trigger for each row, single-column indexes, default configuration',
      migrations: '002',
      profile: 'stock',
    },
    {
      name: 'indexes',
      description: 'Phase 1 of the document: its six indexes and its views for monitoring',
      migrations: '003',
      profile: 'stock',
      rewrites: { journal_search: journal.journalSearchPosted },
      answersDiffer: { journal_search: searchPosted },
    },
    {
      name: 'balances',
      description: 'Phase 2 of the document: events beside the balances of the trigger, read from a materialised view',
      migrations: '004',
      profile: 'stock',
      ...readFromView,
      jobs: { refresh_balances: refreshBalances },
    },
    {
      name: 'partitions',
      description: 'Phase 3 of the document: entries by month, authorizations by status',
      migrations: '008',
      profile: 'stock',
      rewrites: { ...readFromView.rewrites, recent_entries: journal.recentEntriesJoined },
      answersDiffer: {
        ...readFromView.answersDiffer,
        recent_entries: "the document's form: the newest 100 lines of posted entries, which are fewer entries",
      },
      jobs: { refresh_balances: refreshBalances, create_partitions: createPartitions },
    },
    {
      name: 'months',
      description:
        'Phase 3 corrected: authorizations in one table with its partial index, 100 entries with all their lines',
      migrations: '009',
      profile: 'stock',
      rewrites: { ...readFromView.rewrites, recent_entries: journal.recentEntriesWithLines },
      answersDiffer: readFromView.answersDiffer,
      jobs: { refresh_balances: refreshBalances },
    },
    {
      name: 'after',
      description:
        'Balances and roll-ups kept once for each statement, in order; indexes in the order of the pages; tuned',
      migrations: 'latest',
      profile: 'tuned',
      // The load falls into a month that is empty when it begins. Until it is analysed the planner expects one row of it, and sorts all that
      // it has instead of reading a page of its index. The default looks once a minute which tables have changed.
      settings: { autovacuum_naptime: '10s' },
      rewrites: {
        post_entry: journal.postEntryInOne,
        anchor_lifecycle: anchors.anchorLifecycleInOne,
        anchor_user_open: anchors.anchorUserOpenPage,
        journal_search: journal.journalSearchPage,
        balance_history: journal.balanceHistoryByDay,
        trial_balance: journal.trialBalanceFromTotals,
      },
      answersDiffer: {
        journal_search: 'a page of 100 posted entries, newest first, instead of every row',
        anchor_user_open: 'a page of the 100 that expire first, instead of up to eight thousand',
      },
    },
  ],
  load: { ratePerSecond: 1000, durationMs: 60_000, connections: 16, statementTimeoutMs: 5_000 },
  slo: { percentile: 95, limitMs: 50 },
  claims,
});
