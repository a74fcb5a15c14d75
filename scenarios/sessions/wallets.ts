/** What happens to one wallet: sign-in, profile, balances. */
import { defineTransaction } from 'pgrehearse';
import { byActivity, drawWallet } from './draws.ts';

export const userProfile = defineTransaction({
  description: 'The profile of a wallet',
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
