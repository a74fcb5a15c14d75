/** The books: balances, entries, histories; each as the document found it, and rewritten. */
import { defineRewrite, defineTransaction, type Draw } from 'pgrehearse';
import { chartAccounts, hotAccounts, journalSources } from '../../seeds/ledger/laws.ts';

const dayMs = 86_400_000;

/** What a rewrite gets: the parameters that its transaction draws. */
type ParamsOf<T extends { params(draw: Draw): unknown }> = ReturnType<T['params']>;

const hotOrRest = ({ hot }: { hot: boolean }) => (hot ? 'hot' : 'rest');
const daysBefore = (now: Date, days: number) => new Date(now.getTime() - days * dayMs).toISOString().slice(0, 10);

/** A chart account with the given probability, else one of the sub-ledgers. */
function drawAccount(draw: Draw, chartShare: number) {
  const hot = draw.chance(chartShare);
  const row = hot ? draw.int(0, chartAccounts.length - 1) : draw.int(chartAccounts.length, draw.rows('accounts') - 1);
  return { account: draw.cell('accounts', 'id', row) as number, hot };
}

/** An account of a line, as the seed spreads them: 24 % on four accounts, 36 % on the other 24, 40 % on sub-ledgers. */
function drawLineAccount(draw: Draw): number {
  const row = draw.weighted([
    [draw.int(0, hotAccounts - 1), 24],
    [draw.int(hotAccounts, chartAccounts.length - 1), 36],
    [draw.int(chartAccounts.length, draw.rows('accounts') - 1), 40],
  ]);
  return draw.cell('accounts', 'id', row) as number;
}

export const balanceLookup = defineTransaction({
  description: 'Balance of one account',
  weight: 35,
  access: 'read',
  params: (draw) => drawAccount(draw, 0.7),
  classify: hotOrRest,
  statements: { balance: 'SELECT current_balance FROM account_balances WHERE account_id = $1' },
  run: (client, { account }) => client.query('balance', [account]),
});

/** The document's function over a materialised view: as fresh as the last refresh. */
export const balanceFromView = defineRewrite({
  statements: { balance: 'SELECT get_account_balance_fast($1) AS current_balance' },
  run: (client, { account }: { account: number }) => client.query('balance', [account]),
});

export const postEntry = defineTransaction({
  description: 'Post an entry of two or three lines, with its audit row',
  weight: 20,
  access: 'write',
  atomic: true,
  params: (draw) => {
    const units = draw.int(3, 2_500_000);
    const second = draw.chance(0.3) ? Math.ceil(units * 0.7) : units;
    const credits = second === units ? [units] : [second, units - second];
    const accounts = [units, ...credits].map(() => drawLineAccount(draw));
    return {
      id: draw.uuid(),
      journalId: `JE-L-${draw.index}`,
      source: draw.weighted(journalSources),
      status: draw.chance(0.97) ? 'Posted' : 'Pending',
      accounts,
      kinds: ['DEBIT', ...credits.map(() => 'CREDIT')],
      amounts: [units, ...credits].map((amount) => (amount / 10_000).toFixed(4)),
      now: draw.now,
      hot: accounts.some((account) => chartAccounts.includes(account)),
    };
  },
  classify: hotOrRest,
  statements: {
    entry: `
      INSERT INTO journal_entries (id, journal_id, date, description, source, status, created_at, created_by)
      VALUES ($1, $2, ($5::timestamptz AT TIME ZONE 'UTC')::date, 'Posted under load', $3, $4, $5, 'load')`,
    lines: `
      INSERT INTO journal_entry_lines (journal_entry_id, account_id, line_type, amount, line_number, created_at)
      SELECT $1, account, kind, amount, number, $5
        FROM unnest($2::integer[], $3::text[], $4::numeric[]) WITH ORDINALITY AS line (account, kind, amount, number)`,
    audit: `
      INSERT INTO audit_log (event_type, entity_type, entity_id, action, new_values, created_at)
      VALUES ('JOURNAL', 'journal_entry', $1, 'CREATE', jsonb_build_object('journal_id', $2::text), $3)`,
  },
  run: async (client, { id, journalId, source, status, accounts, kinds, amounts, now }) => {
    await client.query('entry', [id, journalId, source, status, now]);
    await client.query('lines', [id, accounts, kinds, amounts, now]);
    await client.query('audit', [id, journalId, now]);
  },
});

/** One call: the statement that changes balances is the last before the commit. */
export const postEntryInOne = defineRewrite({
  statements: { post: 'SELECT post_entry($1, $2, $3, $4, $5, $6, $7, $8)' },
  run: (client, { id, journalId, source, status, accounts, kinds, amounts, now }: ParamsOf<typeof postEntry>) =>
    client.query('post', [id, journalId, source, status, accounts, kinds, amounts, now]),
});

export const journalSearch = defineTransaction({
  description: 'Entries of one source since a date',
  weight: 12,
  access: 'read',
  params: (draw) => ({
    source: draw.weighted(journalSources),
    from: daysBefore(
      draw.now,
      draw.weighted([
        [1, 60],
        [7, 30],
        [30, 10],
      ]),
    ),
  }),
  // The document's query, every row in any order. Its partial indexes serve it only when it asks for posted entries.
  statements: { search: 'SELECT * FROM journal_entries WHERE date >= $1 AND source = $2' },
  run: (client, { source, from }) => client.query('search', [from, source]),
});

/** What the document's partial indexes ask for: pending entries are gone. */
export const journalSearchPosted = defineRewrite({
  statements: { search: `SELECT * FROM journal_entries WHERE date >= $1 AND source = $2 AND status = 'Posted'` },
  run: (client, { source, from }: ParamsOf<typeof journalSearch>) => client.query('search', [from, source]),
});

/** A page of it, newest first: what somebody can read, and the same work whatever the date. */
export const journalSearchPage = defineRewrite({
  statements: {
    search: `
      SELECT * FROM journal_entries WHERE date >= $1 AND source = $2 AND status = 'Posted'
       ORDER BY date DESC, journal_id DESC LIMIT 100`,
  },
  run: (client, { source, from }: ParamsOf<typeof journalSearch>) => client.query('search', [from, source]),
});

export const recentEntries = defineTransaction({
  description: 'The newest 100 entries',
  weight: 8,
  access: 'read',
  params: (draw) => ({ from: daysBefore(draw.now, 30) }),
  statements: {
    recent: 'SELECT * FROM journal_entries WHERE date >= $1 ORDER BY created_at DESC, id DESC LIMIT 100',
  },
  run: (client, { from }) => client.query('recent', [from]),
});

/** The document's rewrite for partitions: pending entries are gone, and 100 rows of the join are fewer than 100 entries. */
export const recentEntriesJoined = defineRewrite({
  statements: {
    recent: `
      SELECT je.*, jel.* FROM journal_entries je JOIN journal_entry_lines jel ON je.id = jel.journal_entry_id
       WHERE je.date >= $1 AND je.status = 'Posted' ORDER BY je.created_at DESC LIMIT 100`,
  },
  run: (client, { from }: ParamsOf<typeof recentEntries>) => client.query('recent', [from]),
});

/**
 * The newest entries with their lines, the corrected form of the join: the entries are limited first. The answer is compared without the lines, which the first form does not read.
 */
export const recentEntriesWithLines = defineRewrite({
  statements: {
    recent: `
      SELECT e.*, l.line_number, l.account_id, l.line_type, l.amount
        FROM (SELECT * FROM journal_entries WHERE date >= $1 ORDER BY created_at DESC, id DESC LIMIT 100) AS e
        JOIN journal_entry_lines l ON l.journal_entry_id = e.id
       ORDER BY e.created_at DESC, e.id DESC, l.line_number`,
  },
  run: async (client, { from }: ParamsOf<typeof recentEntries>) => {
    const rows = await client.query('recent', [from]);
    return rows
      .filter(({ line_number }) => line_number === 1)
      .map(({ line_number: _number, account_id: _account, line_type: _type, amount: _amount, ...entry }) => entry);
  },
});

export const balanceHistory = defineTransaction({
  description: 'Net of an account by day, over 30 or 90 days, with running sum',
  weight: 8,
  access: 'read',
  params: (draw) => ({ ...drawAccount(draw, 0.5), from: daysBefore(draw.now, draw.pick([30, 90])) }),
  classify: hotOrRest,
  statements: {
    // The document joins a uuid with an integer, which PostgreSQL refuses: the join goes through the lines.
    history: `
      SELECT e.date, sum(CASE l.line_type WHEN 'DEBIT' THEN l.amount ELSE -l.amount END) AS net,
             sum(sum(CASE l.line_type WHEN 'DEBIT' THEN l.amount ELSE -l.amount END)) OVER (ORDER BY e.date) AS running
        FROM journal_entry_lines l JOIN journal_entries e ON e.id = l.journal_entry_id
       WHERE l.account_id = $1 AND e.date >= $2 AND e.status = 'Posted'
       GROUP BY e.date ORDER BY e.date`,
  },
  run: (client, { account, from }) => client.query('history', [account, from]),
});

export const balanceHistoryByDay = defineRewrite({
  statements: {
    history: `
      SELECT date, sum(net) AS net, sum(sum(net)) OVER (ORDER BY date) AS running
        FROM account_daily_nets WHERE account_id = $1 AND date >= $2 GROUP BY date ORDER BY date`,
  },
  run: (client, { account, from }: { account: number; from: string }) => client.query('history', [account, from]),
});

export const trialBalance = defineTransaction({
  description: 'Balance of every account over all posted lines',
  weight: 1,
  access: 'read',
  anyOrder: true,
  params: () => ({}),
  statements: {
    all: `
      SELECT a.id, a.name, sum(CASE l.line_type WHEN 'DEBIT' THEN l.amount ELSE -l.amount END) AS balance
        FROM accounts a JOIN journal_entry_lines l ON l.account_id = a.id
        JOIN journal_entries e ON e.id = l.journal_entry_id
       WHERE e.status = 'Posted' GROUP BY a.id, a.name`,
  },
  run: (client) => client.query('all'),
});

/** The document reads a column `name` that its view does not have: the view is joined with accounts. */
export const trialBalanceFromView = defineRewrite({
  statements: {
    all: `
      SELECT a.id, a.name, b.current_balance AS balance
        FROM mv_account_balances_optimized b JOIN accounts a ON a.id = b.account_id`,
  },
  run: (client) => client.query('all'),
});

export const trialBalanceFromTotals = defineRewrite({
  statements: {
    all: `
      SELECT a.id, a.name, t.net AS balance FROM account_totals t JOIN accounts a ON a.id = t.account_id`,
  },
  run: (client) => client.query('all'),
});
