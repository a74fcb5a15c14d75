/** Which wallets and calls the parameters name. */
import type { Draw } from 'pgrehearse';

export interface Wallet {
  address: string;
  /** One of the hundredth of all wallets that is the most active. */
  hot: boolean;
}

/** Classes of a parameter set: the busiest hundredth of the wallets, and the others. */
export const byActivity = ({ hot }: { hot: boolean }) => (hot ? 'hot' : 'rest');

/** A wallet by the law of the seed: the cube of a uniform draw, so that the first hundredth gets 21 %. */
export function drawKnownWallet(draw: Draw): Wallet {
  const rows = draw.rows('users');
  const row = Math.floor(rows * draw.float() ** 3);
  return { address: draw.cell('users', 'wallet_address', row) as string, hot: row < rows / 100 };
}

/** The same, but one in twenty is unknown. */
export function drawWallet(draw: Draw): Wallet {
  const known = drawKnownWallet(draw);
  return draw.chance(0.05) ? { address: `0x${draw.hex(20)}`, hot: false } : known;
}

/** A row of the newest part of a table. */
export function drawRecentRow(draw: Draw, table: string, share: number): number {
  const rows = draw.rows(table);
  return rows - 1 - draw.int(0, Math.ceil(rows * share) - 1);
}

/** The columns are timestamps without a zone that hold UTC. A Date would be written in the zone of the client's machine. */
export const utc = (instant: Date): string => instant.toISOString().slice(0, -1);

/** So many milliseconds later. */
export const later = (instant: Date, delayMs: number): Date => new Date(instant.getTime() + delayMs);
