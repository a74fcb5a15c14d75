/** How often a wallet shows up, and how traffic goes up and down: shared by the tables. */
import { weightedRows } from 'pgrehearse';

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;

/** Days of history, and the rhythm of calls and of what they cause. */
export const historyDays = 180;
export const rhythm = { daily: 0.4, weekend: 1.2, growthPerDay: 0.005 };

/**
 * Activity by the cube of a uniform draw: the first hundredth of the wallets has 21 % of the calls. The shift by 2.5 rows keeps the
 * very first from taking more than about 0.4 % of 400,000.
 */
export const byActivity = () =>
  weightedRows((row, rows) => Math.cbrt((row + 3.5) / rows) - Math.cbrt((row + 2.5) / rows));

/**
 * Offenders: 0.5 % of the wallets are the target of 40 % of the reports. 7919 is a prime, so that the order of offence is another
 * than that of activity.
 */
export const byOffence = () =>
  weightedRows((row, rows) => {
    const rank = (row * 7919) % rows;
    return (rank + 3.5) ** 0.1 - (rank + 2.5) ** 0.1;
  });
