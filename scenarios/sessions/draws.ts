/** Which wallets and calls the parameters name. */
import type { Draw } from 'pgrehearse';

export interface Wallet {
  address: string;
  /** One of the hundredth of all wallets that is the most active. */
  hot: boolean;
}

export const byActivity = ({ hot }: { hot: boolean }) => (hot ? 'hot' : 'rest');

/** Rows of users by the law of the seed: the cube of a uniform draw, so that the first hundredth gets 21 %. */
export function drawWalletRow(draw: Draw): number {
  return Math.floor(draw.rows('users') * draw.float() ** 3);
}

export function walletOfRow(draw: Draw, row: number): Wallet {
  return { address: draw.cell('users', 'wallet_address', row) as string, hot: row < draw.rows('users') / 100 };
}

/** An active wallet more often; one in twenty is unknown. */
export function drawWallet(draw: Draw): Wallet {
  const known = walletOfRow(draw, drawWalletRow(draw));
  return draw.chance(0.05) ? { address: `0x${draw.hex(20)}`, hot: false } : known;
}
