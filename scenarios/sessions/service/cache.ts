/** Answers that may be a little old: by kind, with a time to live, one query for many who ask, forgotten when what they say changes. */

import { Meter } from './meter.ts';

/** How long an answer may live, in milliseconds; source document, lines 87 and 92 to 95. */
export const timeToLiveMs = {
  /** Profiles. The document's example says 300 s, its list 600 s: the list. */
  user: 600_000,
  session: 3_600_000,
  /** Written by whoever watches the chains, never by this service: only time ends it. */
  balance: 30_000,
  /** Statistics for moderators. Not forgotten when a report comes in: they say as of when they are. */
  reports: 300_000,
  /** Any other result; here the calls of a wallet. */
  query: 300_000,
};

export type Kind = keyof typeof timeToLiveMs;

/** What a store found, and what it wants back with the answer that is put in its place. */
export interface Found<Ticket> {
  text: string | undefined;
  ticket: Ticket;
}

/** Where texts are kept. A store that fails finds nothing; it never throws. */
export interface Store<Ticket = unknown> {
  get(key: string): Promise<Found<Ticket>>;
  /** Keeps nothing if the key was deleted since the ticket was given. */
  set(key: string, text: string, timeToLiveMs: number, ticket: Ticket): Promise<void>;
  delete(keys: readonly string[]): Promise<void>;
  /** Returns how many went. */
  clear(): Promise<number>;
  status(): Promise<{ usable: boolean; entries: number; bytes: number }>;
  close(): Promise<void>;
}

export interface Answer<T> {
  value: T;
  /** Since the query began; 0 where there was one just now. Never more than the time to live. */
  ageMs: number;
}

interface Counts {
  lookups: number;
  hits: number;
  /** Waited for a query that somebody else had begun. */
  shared: number;
}

/** What is kept, as JSON: the same bytes in every store, and nobody changes an object that others have. */
interface Kept {
  askedMs: number;
  value: unknown;
}

/** A lookup under way. */
interface Flight {
  course: {
    /** What is looked up has changed meanwhile: good for those who asked before, not to be kept. */
    outdated: boolean;
  };
  answer: Promise<Kept & { hit: boolean }>;
}

const kinds = Object.keys(timeToLiveMs) as Kind[];

export class Cache {
  readonly #store: Store | undefined;
  readonly #nowMs: () => number;
  readonly #flights = new Map<string, Flight>();
  /** How long a lookup took, found or not. */
  readonly #hitTimes = new Meter();
  readonly #missTimes = new Meter();
  readonly #counts = new Map<Kind, Counts>(kinds.map((kind) => [kind, { lookups: 0, hits: 0, shared: 0 }]));

  /** Without a store every lookup is a query. `nowMs`: what all instances take for the time. */
  constructor(store: Store | undefined, nowMs: () => number = Date.now) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /**
   * The answer that is kept, or else that of `load`, which is then kept. Those who ask while it loads wait for it, and share its error.
   * "There is no such thing" is an answer too: give it as null.
   */
  async remember<T>(kind: Kind, id: string, load: () => Promise<T>): Promise<Answer<T>> {
    if (this.#store === undefined) return { value: await load(), ageMs: 0 };
    const counts = this.#counts.get(kind)!;
    counts.lookups++;
    const beganMs = performance.now();
    const key = `${kind}:${id}`;
    const joined = this.#flights.get(key);
    const { value, askedMs, hit } = await (joined?.answer ?? this.#depart(this.#store, kind, key, load));
    (hit ? this.#hitTimes : this.#missTimes).record(performance.now() - beganMs);
    if (hit) counts.hits++;
    else if (joined !== undefined) counts.shared++;
    return { value: value as T, ageMs: hit ? Math.max(0, this.#nowMs() - askedMs) : 0 };
  }

  /** To be called when a write is committed. Who asks from now on gets the new state. */
  async forget(kind: Kind, ...ids: string[]): Promise<void> {
    const keys = ids.map((id) => `${kind}:${id}`);
    for (const key of keys) this.#abandon(key);
    await this.#store?.delete(keys);
  }

  async clear(): Promise<number> {
    for (const key of this.#flights.keys()) this.#abandon(key);
    return (await this.#store?.clear()) ?? 0;
  }

  /** Lookups and hits of all kinds, since the start. */
  totals(): { lookups: number; hits: number } {
    const all = [...this.#counts.values()];
    const sum = (pick: (counts: Counts) => number) => all.reduce((total, counts) => total + pick(counts), 0);
    return { lookups: sum(({ lookups }) => lookups), hits: sum(({ hits }) => hits) };
  }

  async statistics() {
    const byKind = [...this.#counts].map(([kind, { lookups, hits, shared }]) => {
      const hitShare = lookups === 0 ? null : hits / lookups;
      return { kind, timeToLiveMs: timeToLiveMs[kind], lookups, hits, shared, hitShare };
    });
    const times = { hit: this.#hitTimes.figures(), miss: this.#missTimes.figures() };
    return { on: this.#store !== undefined, kinds: byKind, times, store: await this.#store?.status() };
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }

  #depart(store: Store, kind: Kind, key: string, load: () => Promise<unknown>): Flight['answer'] {
    const course = { outdated: false };
    const answer = this.#lookUp(store, kind, key, load, course).finally(() => {
      if (this.#flights.get(key)?.course === course) this.#flights.delete(key);
    });
    this.#flights.set(key, { course, answer });
    return answer;
  }

  async #lookUp(store: Store, kind: Kind, key: string, load: () => Promise<unknown>, course: Flight['course']) {
    const { text, ticket } = await store.get(key);
    if (text !== undefined) return { ...(JSON.parse(text) as Kept), hit: true };
    const askedMs = this.#nowMs();
    const value = await load();
    const leftMs = askedMs + timeToLiveMs[kind] - this.#nowMs();
    const kept: Kept = { askedMs, value };
    // Nobody waits for the store. A delete that comes after this question comes after the command as well.
    if (!course.outdated && leftMs > 0) void store.set(key, JSON.stringify(kept), leftMs, ticket);
    return { ...kept, hit: false };
  }

  #abandon(key: string): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    flight.course.outdated = true;
    this.#flights.delete(key);
  }
}
