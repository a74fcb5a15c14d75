/**
 * The same traffic as requests to the service in front of the database: what the transactions do, asked for as clients do it. The service reads
 * its own clock, which starts where the seed ends.
 */
import type { Draw, HttpRequest, HttpSpec, RequestSpec } from 'pgrehearse';
import { sessionsSeed } from '../../seeds/sessions.ts';
import { matchCheck } from './calls.ts';
import { drawKnownWallet, drawRecentRow, drawWallet } from './draws.ts';
import { claims } from './http-claims.ts';
import { readings } from './http-readings.ts';

const get = (path: string): HttpRequest => ({ method: 'GET', path });
const post = (path: string, body: object): HttpRequest => ({ method: 'POST', path, body });

/** Times to live of the source document, lines 86 to 95: no answer may be older. */
const staleMs = { user: 600_000, balance: 30_000, query: 300_000, reports: 300_000 };

/** One wallet in twenty is unknown. */
const knownOrNot = [200, 404];

const signIn: RequestSpec = {
  description: 'Sign in: get a nonce, then use it; one in ten never comes back',
  weight: 12,
  access: 'write',
  request: (draw) => {
    const { address } = drawKnownWallet(draw);
    const returns = draw.chance(0.9);
    return {
      ...post('/auth/nonces', { address }),
      next: ({ nonce }: { nonce: string }) => (returns ? post('/auth/nonces/consume', { address, nonce }) : undefined),
    };
  },
};

const profile: RequestSpec = {
  description: 'The profile of a wallet; one in twenty is unknown',
  weight: 25,
  access: 'read',
  request: (draw) => get(`/users/${drawWallet(draw).address}`),
  check: {
    status: knownOrNot,
    body: (body, { path }) => 'error' in (body as object) || path === `/users/${(body as { address: string }).address}`,
  },
  maxStaleMs: staleMs.user,
};

const balance: RequestSpec = {
  description: 'The balance of a wallet on a chain',
  weight: 10,
  access: 'read',
  request: (draw) => {
    const { address } = drawWallet(draw);
    const chainId = draw.weighted([
      [1, 75],
      [137, 20],
      [56, 5],
    ]);
    return get(`/users/${address}/balances/${chainId}`);
  },
  check: { status: knownOrNot },
  maxStaleMs: staleMs.balance,
};

const match: RequestSpec = {
  description: 'May two wallets be matched: no block either way, nobody on a call',
  weight: 15,
  access: 'read',
  request: (draw) => {
    const { a, b } = matchCheck.params(draw);
    return get(`/matches?a=${a}&b=${b}`);
  },
  check: {
    body: (body) => {
      const { allowed, blocked, active } = body as { allowed: boolean; blocked: boolean; active: unknown[] };
      return allowed === (!blocked && active.length === 0);
    },
  },
};

const call: RequestSpec = {
  description: 'A call begins and, but for one in twenty, ends',
  weight: 10,
  access: 'write',
  request: (draw) => {
    const id = draw.uuid();
    const [a, b] = [drawKnownWallet(draw).address, drawKnownWallet(draw).address];
    const ends = draw.chance(0.95);
    const reason = draw.weighted([
      ['skip', 50],
      ['hangup', 20],
      ['timeout', 15],
      ['error', 12],
    ]);
    // Nobody calls himself: a wallet that drew itself talks to nobody that we know.
    const callee = a === b ? `0x${id.replaceAll('-', '')}00000000` : b;
    return {
      method: 'PUT',
      path: `/sessions/${id}`,
      body: { a, b: callee, chainId: draw.pick([1, 1, 1, 137, 56]) },
      next: () => (ends ? post(`/sessions/${id}/end`, { reason }) : undefined),
    };
  },
};

const history: RequestSpec = {
  description: 'The newest twenty calls of a wallet',
  weight: 12,
  access: 'read',
  request: (draw) => get(`/users/${drawWallet(draw).address}/sessions`),
  check: { body: (body) => (body as { sessions: unknown[] }).sessions.length <= 20 },
  maxStaleMs: staleMs.query,
};

const telemetry: RequestSpec = {
  description: 'Store one to five events that a client tells about its call',
  weight: 11,
  access: 'write',
  request: (draw) => {
    const sessionId = recentCall(draw);
    const events = Array.from({ length: draw.int(1, 5) }, () => ({
      type: draw.pick(['quality_sample', 'quality_sample', 'ice_state', 'call_start', 'call_end']),
      payload: { sessionId, rtt: draw.int(12, 480), jitter: draw.int(0, 600) / 10, bitrate: draw.int(150, 2_500) },
    }));
    return post('/telemetry', { address: drawKnownWallet(draw).address, events });
  },
};

const report: RequestSpec = {
  description: 'Report the other side of a call; three reports in a day raise its risk score',
  weight: 3,
  access: 'write',
  request: (draw) => {
    const row = drawRecentRow(draw, 'sessions', 0.005);
    return post('/reports', {
      sessionId: draw.cell('sessions', 'id', row),
      reporter: draw.cell('sessions', 'a_addr', row),
      reason: draw.pick(['nudity', 'harassment', 'spam', 'scam', 'other']),
    });
  },
};

interface Statistics {
  rows: { reason?: string }[];
}

const moderation: RequestSpec = {
  description: 'Statistics for moderators: reports by reason, telemetry of a wallet or of a call',
  weight: 2,
  access: 'read',
  request: (draw) => {
    const about = draw.weighted([
      ['reports', 50],
      ['wallet', 30],
      ['call', 20],
    ]);
    if (about === 'reports') return get('/moderation/reports');
    if (about === 'call') return get(`/moderation/sessions/${recentCall(draw)}/telemetry`);
    const hours = draw.weighted([
      [1, 60],
      [24, 30],
      [168, 10],
    ]);
    return get(`/moderation/wallets/${drawWallet(draw).address}/telemetry?hours=${hours}`);
  },
  maxStaleMs: staleMs.reports,
  // Every answer says as of when it is, and the reports of 30 days are others a second later: their kinds are compared.
  compared: (body) => (body as Statistics).rows.map((row) => row.reason ?? row),
};

function recentCall(draw: Draw): string {
  return draw.cell('sessions', 'id', drawRecentRow(draw, 'sessions', 0.005)) as string;
}

/** What `pgrehearse http sessions` does: the larger pool from the second stage on, the cache in the last, and each by itself. */
export const http: HttpSpec = {
  service: {
    command: [process.execPath, '--no-warnings', decodeURIComponent(mainFile().pathname)],
    readyPath: '/health',
    env: {
      POOL: 'after',
      CACHE: 'off',
      CLOCK_STARTS_AT: sessionsSeed.asOf,
      // The stages bring their own jobs; one generator plays all wallets.
      JOBS: 'off',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'warn',
    },
  },
  stages: { before: { env: { POOL: 'before' } }, after: { env: { CACHE: 'memory' } } },
  variants: {
    cache: { like: 'before', description: 'As before, with a cache in the service', env: { CACHE: 'memory' } },
    redis: {
      like: 'after',
      description: 'As after, with the cache in Redis, as the document has it',
      env: { CACHE: 'redis' },
      beside: {
        REDIS_URL: {
          command: ['redis-server', '--port', '$PORT', '--bind', '127.0.0.1', '--save', '', '--maxmemory', '100mb'],
          value: 'redis://127.0.0.1:$PORT',
        },
      },
    },
  },
  requests: {
    sign_in: signIn,
    user_profile: profile,
    match_check: match,
    session_lifecycle: call,
    session_history: history,
    report_submit: report,
    balance_read: balance,
    telemetry_ingest: telemetry,
    moderation_stats: moderation,
  },
  readings,
  claims,
  load: { ratePerSecond: 250, connections: 200 },
};

/** Sources run as they are, the built package has JavaScript. */
function mainFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './service/main.ts' : './service/main.js', import.meta.url);
}
