/** One wallet: sign-in, profile, balances. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { utc, type Statement } from '../database.ts';
import type { Parts } from '../parts.ts';
import { addressShape, aged, chainShape, exactly, limited, wallet } from '../requests.ts';

const nonceLifetimeMs = 300_000;

const issueNonce: Statement = {
  name: 'issue_nonce',
  text: 'INSERT INTO nonces (address, nonce, expires_at) VALUES ($1, $2, $3)',
};

const consumeNonce: Statement = {
  name: 'consume_nonce',
  text: `
    UPDATE nonces SET consumed = true
     WHERE address = $1 AND nonce = $2 AND NOT consumed AND expires_at > $3 RETURNING nonce`,
};

const consumeNonceWithInstant: Statement = {
  name: 'consume_nonce',
  text: `
    UPDATE nonces SET consumed = true, consumed_at = $3
     WHERE address = $1 AND nonce = $2 AND NOT consumed AND expires_at > $3 RETURNING nonce`,
};

const profileColumns =
  'wallet_address AS address, created_at AS "createdAt", ens_name AS "ensName", risk_score AS "riskScore"';

/** The document's example asks for users.address, which does not exist. */
const readProfile: Statement = {
  name: 'user_profile',
  text: `SELECT ${profileColumns} FROM users WHERE wallet_address = $1`,
};

const writeProfile: Statement = {
  name: 'write_profile',
  text: `
    INSERT INTO users (wallet_address, created_at, ens_name) VALUES ($1, $2, $3)
    ON CONFLICT (wallet_address) DO UPDATE SET ens_name = excluded.ens_name
    RETURNING ${profileColumns}`,
};

const readBalance: Statement = {
  name: 'balance_read',
  text: `
    SELECT native_balance AS "nativeBalance", native_usd_value AS "nativeUsdValue", total_usd_value AS "totalUsdValue",
           erc20_tokens AS "erc20Tokens", last_updated AS "lastUpdated"
      FROM balances WHERE address = $1 AND chain_id = $2`,
};

export function addWalletRoutes(app: FastifyInstance, parts: Parts): void {
  addSignIn(app, parts);
  addProfile(app, parts);
  const { cache, database } = parts;
  app.get<{ Params: { address: string; chainId: number } }>(
    '/users/:address/balances/:chainId',
    { schema: { params: exactly({ address: addressShape, chainId: chainShape }) } },
    async (request, reply) => {
      const [address, { chainId }] = [wallet(request.params.address), request.params];
      const balance = await cache.remember('balance', `${address}:${chainId}`, async () => {
        return (await database.query(readBalance, [address, chainId]))[0] ?? null;
      });
      return aged(reply, balance) ?? reply.code(404).send({ error: 'No balance of this wallet on this chain.' });
    },
  );
}

/** The nonces of a sign-in with a wallet (EIP-4361). Whether the wallet signed the nonce is arithmetic without a database, and not here. */
function addSignIn(app: FastifyInstance, { database, schema, clock, limiter }: Parts): void {
  const consume = schema.hasColumns ? consumeNonceWithInstant : consumeNonce;
  app.post<{ Body: { address: string } }>(
    '/auth/nonces',
    {
      schema: { body: exactly({ address: addressShape }) },
      preHandler: limited(limiter, 'nonce', ({ body }) => (body as { address: string }).address),
    },
    async ({ body }, reply) => {
      const nonce = randomUUID();
      const expiresAt = new Date(clock().getTime() + nonceLifetimeMs);
      await database.query(issueNonce, [wallet(body.address), nonce, utc(expiresAt)]);
      return reply.code(201).send({ nonce, expiresAt });
    },
  );
  app.post<{ Body: { address: string; nonce: string } }>(
    '/auth/nonces/consume',
    { schema: { body: exactly({ address: addressShape, nonce: { type: 'string', format: 'uuid' } }) } },
    async ({ body }, reply) => {
      const address = wallet(body.address);
      const consumed = await database.query(consume, [address, body.nonce, utc(clock())]);
      if (consumed.length === 1) return { address };
      return reply.code(401).send({ error: 'This nonce is unknown, used or too old. Ask for a new one.' });
    },
  );
}

function addProfile(app: FastifyInstance, { cache, database, clock, limiter }: Parts): void {
  const params = exactly({ address: addressShape });
  app.get<{ Params: { address: string } }>('/users/:address', { schema: { params } }, async (request, reply) => {
    const address = wallet(request.params.address);
    const profile = await cache.remember('user', address, async () => {
      return (await database.query(readProfile, [address]))[0] ?? null;
    });
    return aged(reply, profile) ?? reply.code(404).send({ error: 'This wallet is unknown.' });
  });
  app.put<{ Params: { address: string }; Body: { ensName: string | null } }>(
    '/users/:address',
    {
      schema: { params, body: exactly({ ensName: { type: ['string', 'null'], maxLength: 255 } }) },
      preHandler: limited(limiter, 'profile', ({ params }) => (params as { address: string }).address),
    },
    async ({ params, body }) => {
      const address = wallet(params.address);
      const [profile] = await database.query(writeProfile, [address, utc(clock()), body.ensName]);
      await cache.forget('user', address);
      return profile;
    },
  );
}
