/** What happens to one wallet: sign-in, profile, balances. */
import { defineRewrite, defineTransaction, type Row, type TransactionClient } from 'pgrehearse';
import { byActivity, drawKnownWallet, drawWallet, later, utc, type Wallet } from './draws.ts';

const nonceLifetimeMs = 300_000;

interface SignIn extends Wallet {
  nonce: string;
  now: string;
  expiresAt: string;
  returns: boolean;
}

async function signIn(
  client: TransactionClient<'issue' | 'consume'>,
  { address, nonce, now, expiresAt, returns }: SignIn,
): Promise<Row[]> {
  await client.query('issue', [address, nonce, expiresAt]);
  return returns ? client.query('consume', [address, nonce, now]) : [];
}

export const siweAuth = defineTransaction({
  description: 'Sign in: issue a nonce, then consume it; one in ten never comes back',
  weight: 12,
  access: 'write',
  params: (draw) => ({
    ...drawKnownWallet(draw),
    nonce: draw.uuid(),
    now: utc(draw.now),
    expiresAt: utc(later(draw.now, nonceLifetimeMs)),
    returns: draw.chance(0.9),
  }),
  classify: byActivity,
  statements: {
    issue: 'INSERT INTO nonces (address, nonce, expires_at) VALUES ($1, $2, $3)',
    consume: `
      UPDATE nonces SET consumed = true
       WHERE address = $1 AND nonce = $2 AND NOT consumed AND expires_at > $3
      RETURNING nonce`,
  },
  run: signIn,
});

/** The same, and notes when. */
export const siweAuthWithInstant = defineRewrite({
  statements: {
    ...siweAuth.statements,
    consume: `
      UPDATE nonces SET consumed = true, consumed_at = $3
       WHERE address = $1 AND nonce = $2 AND NOT consumed AND expires_at > $3
      RETURNING nonce`,
  },
  run: signIn,
});

export const userProfile = defineTransaction({
  description: 'The profile of a wallet; one in twenty is unknown',
  weight: 25,
  access: 'read',
  params: drawWallet,
  classify: byActivity,
  statements: {
    // The document asks for users.address, which does not exist; the column is wallet_address.
    profile: 'SELECT wallet_address, created_at, ens_name, risk_score FROM users WHERE wallet_address = $1',
  },
  run: (client, { address }) => client.query('profile', [address]),
});

export const balanceRead = defineTransaction({
  description: 'The balance of a wallet on a chain',
  weight: 10,
  access: 'read',
  params: (draw) => ({
    ...drawWallet(draw),
    chainId: draw.weighted([
      [1, 75],
      [137, 20],
      [56, 5],
    ]),
  }),
  classify: byActivity,
  statements: {
    balance: `
      SELECT native_balance, native_usd_value, total_usd_value, erc20_tokens, last_updated
        FROM balances WHERE address = $1 AND chain_id = $2`,
  },
  run: (client, { address, chainId }) => client.query('balance', [address, chainId]),
});
