import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import type { HttpAnswer } from '../../src/http/client.ts';
import { exchange, type Asked } from '../../src/http/exchange.ts';
import { HttpExecutor } from '../../src/http/executor.ts';
import { drawerOf, type HttpScenario } from '../../src/http/scenario.ts';
import type { HttpRequest, RequestSpec } from '../../src/http/spec.ts';
import { drive } from '../../src/load/drive.ts';
import { summarise } from '../../src/load/recorder.ts';
import { createSamples, type Samples } from '../../src/load/samples.ts';
import { buildSchedule, stripe } from '../../src/load/schedule.ts';
import type { Block } from '../../src/result.ts';
import tiny from '../fixtures/tiny-http.ts';
import { FakeTime } from './load-fakes.ts';

const spec = (changes: Partial<RequestSpec> = {}): RequestSpec => ({
  description: '',
  weight: 1,
  access: 'read',
  request: (draw) => ({ method: 'GET', path: `/${draw.index}/${draw.int(1, 1_000_000)}` }),
  check: { body: (body) => body === 'right' },
  ...changes,
});

type Connection = Asked & { firstByteUs: number };

const right: HttpAnswer = { status: 200, headers: {}, text: 'right' };

function samplesOf(durationMs: number, ratePerSecond = 100): Samples {
  const transactions = [{ name: 'only', weight: 1 }];
  return createSamples(
    buildSchedule({ seed: 1, blockNumber: 0, ratePerSecond, arrivals: 'constant', durationMs, transactions }),
  );
}

function executorOf(samples: Samples, connections: Connection[], request: RequestSpec, scenario: HttpScenario = tiny) {
  const drawer = drawerOf(scenario, { seed: 1, scale: 1 });
  return new HttpExecutor({ requests: { only: request }, drawer, blockNumber: 0, samples, connections });
}

/** A block of a hundred requests a second in simulated time, over two connections that answer as they are told. */
async function simulate(answer: (number: number, time: FakeTime) => Promise<HttpAnswer>): Promise<Block> {
  const durationMs = 2_000;
  const samples = samplesOf(durationMs);
  const time = new FakeTime();
  let asked = 0;
  const connection: Connection = { firstByteUs: 0, ask: () => answer(asked++, time) };
  const executor = executorOf(samples, [connection, connection], spec());
  const result = await time.until(
    drive({
      samples,
      arrivals: stripe(samples.dueUs.length, 0, 1),
      clock: time,
      pacer: time,
      executor,
      connections: 2,
      startUs: time.nowUs() + 1000,
      warmupUs: 0,
      endUs: durationMs * 1000,
      drainUs: 500_000,
    }),
  );
  const record = {
    id: 'only',
    stage: 'only',
    startedAt: '2026-01-01T00:00:00Z',
    ratePerSecond: 100,
    plannedMs: durationMs,
    warmupMs: 0,
    stopMs: result.stopUs / 1000,
    outcome: result.outcome,
    transactions: [{ name: 'only', access: 'read' as const }],
    ...executor.labels,
    cpuCores: 0,
    eventLoopDelayP99Us: 0,
    precedence: {},
    workers: 1,
  };
  return summarise(record, samples, { percentile: 95, limitMs: 50 }, 'only.bin');
}

const after = (time: FakeTime, us: number, act: () => HttpAnswer): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    time.at(time.nowUs() + us, () => {
      try {
        resolve(act());
      } catch (error) {
        reject(error);
      }
    });
  });

const endings: Record<string, () => HttpAnswer> = {
  right: () => right,
  busy: () => ({ ...right, status: 503 }),
  wrong: () => ({ ...right, text: 'left' }),
  late: () => {
    throw new DOMException('too late', 'TimeoutError');
  },
  broken: () => {
    throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
  },
};

describe('a block of requests', () => {
  it('counts every scheduled request once, wherever it ended', async () => {
    const names = Object.keys(endings);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 100, max: 40_000 }),
        async (turns, serviceUs) => {
          const seen: string[] = [];
          const block = await simulate((number, time) => {
            const name = turns[number % turns.length]!;
            return after(time, serviceUs, () => {
              seen.push(name);
              return endings[name]!();
            });
          });
          const { scheduled, succeeded, failed, timedOut, unfinished } = block.counts;
          const seenOf = (...kinds: string[]): number => seen.filter((name) => kinds.includes(name)).length;
          expect(scheduled).toBe(200);
          expect(succeeded + failed + timedOut + unfinished).toBe(scheduled);
          expect([succeeded, failed, timedOut]).toEqual([
            seenOf('right'),
            seenOf('busy', 'wrong', 'broken'),
            seenOf('late'),
          ]);
          const { errors } = block.transactions[0]!;
          expect(errors['HTTP 503']?.count ?? 0).toBe(seenOf('busy'));
          expect(errors['WRONG_ANSWER']?.count ?? 0).toBe(seenOf('wrong'));
          expect(errors['ECONNRESET']?.count ?? 0).toBe(seenOf('broken'));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('counts a second of stall from the intended starts: a hundred late responses, two late services', async () => {
    const stallUs = 1_000_000;
    const block = await simulate((number, time) =>
      after(time, number === 50 || number === 51 ? stallUs : 1_000, () => right),
    );
    expect(block.missed).toBeGreaterThan(90);
    expect(block.missed).toBeLessThan(105);
    expect(block.total.service.p95Us).toBeLessThan(2_000);
    expect(block.total.response.p50Us).toBeLessThan(600_000);
    expect(block.counts.succeeded).toBe(200);
  });
});

describe('HttpExecutor', () => {
  it('sends what it drew, the same whoever draws it and in whatever order', async () => {
    const samples = samplesOf(100);
    const draw = async (order: number[]): Promise<Map<number, string>> => {
      const sent: HttpRequest[] = [];
      const connection: Connection = {
        firstByteUs: 0,
        ask: (request) => {
          sent.push(request);
          return Promise.resolve(right);
        },
      };
      const executor = executorOf(samples, [connection], spec());
      for (const arrival of order) executor.prepare(arrival);
      for (const arrival of order) await executor.execute(arrival, 0);
      return new Map(order.map((arrival, turn) => [arrival, sent[turn]!.path]));
    };
    const [forwards, backwards] = [await draw([0, 1, 2]), await draw([2, 1, 0])];
    for (const arrival of [0, 1, 2]) expect(backwards.get(arrival)).toBe(forwards.get(arrival));
    expect(new Set(forwards.values()).size).toBe(3);
  });

  it.each<[string, RequestSpec['request'], RegExp]>([
    ['throws', () => JSON.parse('{'), /request only cannot be drawn/],
    ['has no path', () => ({ method: 'GET' }) as HttpRequest, /no path that begins with a slash/],
    ['has a url for a path', () => ({ method: 'GET', path: 'http://elsewhere/' }), /no path that begins with a slash/],
    [
      'asks for rows that there are not',
      (draw) => ({ method: 'GET', path: `/${draw.rows('items')}` }),
      /no table items/,
    ],
  ])('refuses a request that %s', (_, request, says) => {
    const executor = executorOf(samplesOf(100), [], spec({ request }));
    expect(() => executor.prepare(0)).toThrow(UsageError);
    expect(() => executor.prepare(0)).toThrow(says);
  });
});

const answering = (...texts: string[]) => {
  const paths: string[] = [];
  const connection: Asked = {
    ask: ({ path }) => {
      paths.push(path);
      return Promise.resolve({ ...right, headers: { 'content-type': 'application/json' }, text: texts.shift()! });
    },
  };
  return { connection, paths };
};

describe('exchange', () => {
  const issue: HttpRequest = {
    method: 'POST',
    path: '/nonces',
    next: ({ nonce }: { nonce: string }) => ({ method: 'POST', path: `/nonces/${nonce.toLowerCase()}` }),
  };

  it('uses what an answer handed out, until nothing follows', async () => {
    const { connection, paths } = answering('{"nonce":"A1"}', 'true');
    const { answers, fault } = await exchange(connection, {}, issue);
    expect([paths, answers.length, fault]).toEqual([['/nonces', '/nonces/a1'], 2, undefined]);
  });

  it('ends with a wrong answer where what follows finds no ground in it', async () => {
    const { connection, paths } = answering('{}');
    const { fault } = await exchange(connection, {}, issue);
    expect([paths, fault?.kind]).toEqual([['/nonces'], 'wrong answer']);
  });

  it('ends with the first answer that is not right', async () => {
    const { connection, paths } = answering('{"nonce":"A1"}');
    const { fault } = await exchange(connection, { check: { status: 201 } }, issue);
    expect([paths, fault?.code]).toEqual([['/nonces'], 'HTTP 200']);
  });
});
