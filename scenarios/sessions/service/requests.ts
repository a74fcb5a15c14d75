/** What requests have in common: the shapes of their values, and the limit on their rate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from './cache.ts';
import type { RateLimiter } from './rate-limit.ts';

export const addressShape = { type: 'string', pattern: '^0x[0-9a-fA-F]{40}$' };
export const idShape = { type: 'string', pattern: '^[0-9A-Za-z-]{1,64}$' };
export const chainShape = { type: 'integer', minimum: 1 };

/** An object that has all of these. Fastify takes away whatever else it has. */
export const exactly = (properties: Record<string, object>, optional: Record<string, object> = {}) => ({
  type: 'object',
  required: Object.keys(properties),
  properties: { ...properties, ...optional },
  additionalProperties: false,
});

/** Wallets write their address with capitals as a checksum, the database without. */
export const wallet = (address: string): string => address.toLowerCase();

/** Before the handler, when the request is known to have its shape. */
export const limited =
  (limiter: RateLimiter, kind: string, walletOf: (request: FastifyRequest) => string) =>
  async (request: FastifyRequest, reply: FastifyReply) => {
    const seconds = await limiter.refuse(kind, wallet(walletOf(request)));
    if (seconds === undefined) return undefined;
    return reply.code(429).header('retry-after', seconds).send({ error: 'Too many requests of this wallet.' });
  };

/** Says in the header `Age` how old the answer is (RFC 9111, section 5.1: whole seconds). */
export function aged<T>(reply: FastifyReply, { value, ageMs }: Answer<T>): T {
  void reply.header('age', Math.floor(ageMs / 1000));
  return value;
}
