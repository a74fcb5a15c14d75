/** The cache of the sessions service: time to live, single flight, and writes that come between a query and its answer. */
import { describe, expect, it } from 'vitest';
import { Cache, timeToLiveMs, type Kind } from '../../scenarios/sessions/service/cache.ts';
import { MemoryStore } from '../../scenarios/sessions/service/memory-store.ts';

/** A row that changes, a cache in front of it, and a clock that stands still. */
function fixture() {
  // lru-cache takes the instant 0 for "never".
  const world = { nowMs: 1, row: 'old', queries: 0 };
  const now = () => world.nowMs;
  const cache = new Cache(new MemoryStore(now), now);
  const query = async () => {
    world.queries++;
    return world.row;
  };
  return { world, cache, query, read: async (kind: Kind) => (await cache.remember(kind, '1', query)).value };
}

/** A query that answers when it is told to. */
function heldQuery() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const held = { queries: 0, resolve, reject, query: () => (held.queries++, promise) };
  return held;
}

/** Lets everybody go on until they wait for something outside. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the time to live', () => {
  it.each(Object.entries(timeToLiveMs) as [Kind, number][])('of %s is %d ms', async (kind, lifeMs) => {
    const { world, read } = fixture();
    await read(kind);
    world.row = 'new';
    world.nowMs += lifeMs;
    expect(await read(kind)).toBe('old');
    world.nowMs += 1;
    expect(await read(kind)).toBe('new');
    expect(world.queries).toBe(2);
  });

  it('counts from the moment the query began, and the answer says how old it is', async () => {
    const { world, cache } = fixture();
    const slow = async () => ((world.nowMs += 10_000), world.row);
    const read = () => cache.remember('balance', '1', slow);
    expect(await read()).toEqual({ value: 'old', ageMs: 0 });
    world.nowMs += 20_000;
    expect(await read()).toEqual({ value: 'old', ageMs: 30_000 });
    world.nowMs += 1;
    expect(await read()).toEqual({ value: 'old', ageMs: 0 });
  });

  it('does not keep what took longer than it may live', async () => {
    const { world, cache } = fixture();
    const tooSlow = async () => ((world.nowMs += 30_000), world.row);
    await cache.remember('balance', '1', tooSlow);
    expect(await cache.statistics()).toMatchObject({ store: { entries: 0 } });
  });

  it('is that of the source document', () => {
    expect(timeToLiveMs).toEqual({
      user: 600_000,
      session: 3_600_000,
      balance: 30_000,
      reports: 300_000,
      query: 300_000,
    });
  });
});

describe('single flight', () => {
  it('makes one query for all who ask while it runs', async () => {
    const { cache } = fixture();
    const held = heldQuery();
    const answers = Array.from({ length: 50 }, async () => (await cache.remember('user', '1', held.query)).value);
    await settle();
    held.resolve('row');
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['row']));
    expect(held.queries).toBe(1);
    const [user] = (await cache.statistics()).kinds;
    expect(user).toMatchObject({ kind: 'user', lookups: 50, hits: 0, shared: 49, hitShare: 0 });
  });

  it('hands an error to all of them, and keeps nothing of it', async () => {
    const { cache, query } = fixture();
    const held = heldQuery();
    const answers = [cache.remember('user', '1', held.query), cache.remember('user', '1', held.query)];
    await settle();
    held.reject(new Error('no database'));
    expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.remember('user', '1', query)).toEqual({ value: 'old', ageMs: 0 });
  });

  it('does not take one kind or id for another', async () => {
    const { cache } = fixture();
    const answers = [
      cache.remember('user', '1', async () => 'user 1'),
      cache.remember('user', '2', async () => 'user 2'),
      cache.remember('session', '1', async () => 'session 1'),
    ];
    expect((await Promise.all(answers)).map(({ value }) => value)).toEqual(['user 1', 'user 2', 'session 1']);
  });
});

describe('a write', () => {
  it('is seen by the next read', async () => {
    const { world, cache, read } = fixture();
    await read('user');
    world.row = 'new';
    await cache.forget('user', '1');
    expect(await read('user')).toBe('new');
  });

  it('is seen by the next read though a query that saw the old row answers after it', async () => {
    const { world, cache, read } = fixture();
    const held = heldQuery();
    const early = cache.remember('user', '1', held.query);
    await settle();
    world.row = 'new';
    await cache.forget('user', '1');
    expect(await read('user')).toBe('new');
    held.resolve('old');
    expect((await early).value).toBe('old');
    await settle();
    expect(await read('user')).toBe('new');
  });

  it('of everything empties all kinds', async () => {
    const { world, cache, read } = fixture();
    await Promise.all([read('user'), read('session')]);
    world.row = 'new';
    expect(await cache.clear()).toBe(2);
    expect(await Promise.all([read('user'), read('session')])).toEqual(['new', 'new']);
  });
});

it('keeps that there is nothing, as an answer', async () => {
  const { cache } = fixture();
  let queries = 0;
  const nobody = async () => (queries++, null);
  await cache.remember('user', '1', nobody);
  expect((await cache.remember('user', '1', nobody)).value).toBeNull();
  expect(queries).toBe(1);
});

it('counts hits for each kind, and the bytes that it holds', async () => {
  const { cache, read } = fixture();
  for (let reads = 0; reads < 4; reads++) await read('balance');
  const { kinds, times, store } = await cache.statistics();
  expect(times).toMatchObject({ hit: { calls: 3 }, miss: { calls: 1 } });
  expect(kinds.find(({ kind }) => kind === 'balance')).toMatchObject({ lookups: 4, hits: 3, hitShare: 0.75 });
  expect(kinds.find(({ kind }) => kind === 'user')).toMatchObject({ lookups: 0, hitShare: null });
  expect(cache.totals()).toEqual({ lookups: 4, hits: 3 });
  expect(store).toMatchObject({ usable: true, entries: 1 });
  expect(store!.bytes).toBeGreaterThan('"old"'.length);
});

it('without a store makes a query each time', async () => {
  const { query, world } = fixture();
  const cache = new Cache(undefined);
  await Promise.all([cache.remember('user', '1', query), cache.remember('user', '1', query)]);
  expect(world.queries).toBe(2);
  expect(await cache.statistics()).toMatchObject({ on: false, store: undefined });
});
