/** When the sessions service raises an alert, when it ends, and whom the rate limit refuses. */
import { describe, expect, it } from 'vitest';
import { AlertBoard, judge, type Observed } from '../../scenarios/sessions/service/alerts.ts';
import { RateLimiter } from '../../scenarios/sessions/service/rate-limit.ts';
import { clockFrom, readSettings } from '../../scenarios/sessions/service/settings.ts';

const quiet: Observed = {
  statements: [{ name: 'user_profile', calls: 1000, p95Ms: 100 }],
  requests: { calls: 1000, errors: 100 },
  cache: { lookups: 1000, hits: 600 },
  pool: { max: 20, inUse: 20, waiting: 0, timeouts: 0 },
};

const raised = (observed: Partial<Observed>) => judge({ ...quiet, ...observed }).map(({ name }) => name);

describe('the limits', () => {
  it('are not passed by what stands exactly on them', () => expect(judge(quiet)).toEqual([]));

  it.each<[string, Partial<Observed>]>([
    ['slow statement user_profile', { statements: [{ name: 'user_profile', calls: 1, p95Ms: 101 }] }],
    ['errors', { requests: { calls: 1000, errors: 101 } }],
    ['cache hits', { cache: { lookups: 1000, hits: 599 } }],
    ['pool exhausted', { pool: { max: 20, inUse: 20, waiting: 1, timeouts: 0 } }],
    ['pool exhausted', { pool: { max: 20, inUse: 3, waiting: 0, timeouts: 1 } }],
  ])('raise "%s"', (name, observed) => expect(raised(observed)).toEqual([name]));

  it.each<[string, Partial<Observed>]>([
    ['a statement that was not called', { statements: [{ name: 'user_profile', calls: 0, p95Ms: 500 }] }],
    ['no requests', { requests: { calls: 0, errors: 0 } }],
    ['few requests', { requests: { calls: 19, errors: 19 } }],
    ['few lookups', { cache: { lookups: 99, hits: 0 } }],
    ['a wait while a new connection opens', { pool: { max: 20, inUse: 5, waiting: 2, timeouts: 0 } }],
  ])('say nothing of %s', (_, observed) => expect(raised(observed)).toEqual([]));
});

describe('the board', () => {
  it('tells once when an alert begins and once when it is over, and since when it lasts', () => {
    let now = new Date('2026-11-01T00:00:00Z');
    const told: string[] = [];
    const board = new AlertBoard(
      () => now,
      (event, { name, text }) => told.push(`${event} ${name}: ${text}`),
    );
    const began = now;
    board.update([{ name: 'errors', text: '11 %' }]);
    now = new Date('2026-11-01T00:01:00Z');
    board.update([
      { name: 'errors', text: '12 %' },
      { name: 'cache hits', text: '50 %' },
    ]);
    expect(board.active()).toEqual([
      { name: 'errors', text: '12 %', since: began },
      { name: 'cache hits', text: '50 %', since: now },
    ]);
    board.update([]);
    expect(board.active()).toEqual([]);
    expect(told).toEqual([
      'raised errors: 11 %',
      'raised cache hits: 50 %',
      'over errors: 12 %',
      'over cache hits: 50 %',
    ]);
  });
});

describe('the rate limit', () => {
  const start = Date.parse('2026-11-01T00:00:40Z');

  it('lets so many through in a minute, for each wallet and kind', async () => {
    let nowMs = start;
    const limiter = new RateLimiter(2, () => new Date(nowMs));
    expect(await limiter.refuse('report', 'a')).toBeUndefined();
    expect(await limiter.refuse('report', 'a')).toBeUndefined();
    expect(await limiter.refuse('report', 'a')).toBe(20);
    expect(await limiter.refuse('report', 'b')).toBeUndefined();
    expect(await limiter.refuse('nonce', 'a')).toBeUndefined();
    nowMs += 20_000;
    expect(await limiter.refuse('report', 'a')).toBeUndefined();
  });

  it('counts with the others while it can, and alone when it cannot', async () => {
    let shared: number | undefined = 3;
    const limiter = new RateLimiter(
      2,
      () => new Date(start),
      async () => shared,
    );
    expect(await limiter.refuse('report', 'a')).toBe(20);
    shared = undefined;
    expect(await limiter.refuse('report', 'a')).toBeUndefined();
  });

  it('of 0 is none', async () => {
    const limiter = new RateLimiter(
      0,
      () => new Date(start),
      async () => 1_000_000,
    );
    expect(await limiter.refuse('report', 'a')).toBeUndefined();
  });
});

describe('the settings', () => {
  it('have defaults for all but the database', () => {
    expect(readSettings({ DATABASE_URL: 'postgres://localhost/x' })).toMatchObject({
      PORT: 3000,
      POOL: 'after',
      CACHE: 'off',
      JOBS: 'on',
    });
  });

  it('name everything that is wrong', () => {
    const wrong = { PORT: '70000', POOL: 'larger', ADMIN_TOKEN: 'short' };
    expect(() => readSettings(wrong)).toThrow(/PORT[^]*DATABASE_URL|DATABASE_URL[^]*PORT/);
    expect(() => readSettings(wrong)).toThrow(/POOL/);
    expect(() => readSettings(wrong)).toThrow(/ADMIN_TOKEN/);
  });

  it('set the clock where the data ends', () => {
    const clock = clockFrom('2026-11-01T00:00:00Z');
    const aheadMs = clock().getTime() - Date.parse('2026-11-01T00:00:00Z');
    expect(aheadMs).toBeGreaterThanOrEqual(0);
    expect(aheadMs).toBeLessThan(60_000);
  });
});
