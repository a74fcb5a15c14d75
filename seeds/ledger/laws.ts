/** What the rows and the load of the ledger share: accounts, sources and states with their shares in percent. */

/** How many of the chart accounts, the first ones, take 40 % of its lines. */
export const hotAccounts = 4;

/** The real accounts; all others are sub-ledgers. */
export const chartAccounts: readonly number[] = [
  1000, 1060, 2100, 2300, 1010, 1020, 1050, 1100, 1200, 1300, 1400, 1500, 2000, 2200, 2400, 3000, 3100, 4000, 4100,
  4200, 5000, 5100, 5200, 6000, 6050, 6100, 6200, 6300,
];

export const journalSources = [
  ['PAYMENT', 30],
  ['ANCHOR', 20],
  ['CHAIN', 10],
  ['AR', 10],
  ['AP', 10],
  ['NACHA', 10],
  ['PURCHASE', 5],
  ['PAYROLL', 3],
  ['PO', 1],
  ['INTERCOMPANY', 0.5],
  ['ATTESTATION', 0.5],
] as const;

/** Types of accounts by the first digit of the chart number, from 1 on. */
export const accountTypes = ['Asset', 'Liability', 'Equity', 'Income', 'Expense', 'Expense'] as const;

export const authorizationStatuses = ['FULFILLED', 'EXPIRED', 'AUTHORIZED', 'FAILED'] as const;

/** An authorization that is not settled expires after so many days. */
export const authorizationValidityDays = 30;

/**
 * Number of a status and its share in percent, among authorizations that may be open and among older ones. The last 30 days
 * have 12.1 % of a year that grows 2.5 times: of all, 67 % are fulfilled, 22 % expired, 10 % open, 1 % failed.
 */
export const unsettledStatuses = [
  [2, 82.6],
  [0, 16.4],
  [3, 1],
] as const;
export const settledStatuses = [
  [0, 73.97],
  [1, 25.03],
  [3, 1],
] as const;

export const anchorTypes = [
  ['GROCERY', 40],
  ['FUEL', 20],
  ['UTILITY', 15],
  ['MOBILE', 12],
  ['HOUSING', 8],
  ['MEDICAL', 5],
] as const;

/** Users who authorize, by a Zipf law with exponent 1.1. */
export const userCount = 50_000;
