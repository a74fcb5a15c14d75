/** What the environment says about the service. */
import { z } from 'zod';

const environment = z.object({
  /** 0: any free port. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres://'),
  POOL: z.enum(['before', 'after']).default('after'),
  CACHE: z.enum(['off', 'memory', 'redis']).default('off'),
  /** redis://host:port, or the path of a socket. */
  REDIS_URL: z.string().default('redis://127.0.0.1:6379'),
  /** Without one, nobody may call the endpoints that need it. */
  ADMIN_TOKEN: z.string().min(16).optional(),
  /** Requests of one wallet to one kind of endpoint. 0: no limit. */
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(0).default(600),
  JOBS: z.enum(['on', 'off']).default('on'),
  LOG_LEVEL: z.enum(['info', 'warn', 'silent']).default('info'),
  /** Where the service's clock stands when it starts, for data that was seeded as of an instant; default: the real time. */
  CLOCK_STARTS_AT: z.iso.datetime().optional(),
});

export type Settings = z.output<typeof environment>;

/** @throws Error that names every setting that is wrong */
export function readSettings(env: Record<string, string | undefined>): Settings {
  const read = environment.safeParse(env);
  if (!read.success) throw new Error(`The environment of the service is not complete.\n${z.prettifyError(read.error)}`);
  return read.data;
}

/** The service's time. A value, so that seeded data of another day and tests have theirs. */
export type Clock = () => Date;

/** A clock that stood at the given instant when it was made, and runs as the real one does. */
export function clockFrom(startsAt: string | undefined): Clock {
  const shiftMs = startsAt === undefined ? 0 : Date.parse(startsAt) - Date.now();
  return () => new Date(Date.now() + shiftMs);
}
