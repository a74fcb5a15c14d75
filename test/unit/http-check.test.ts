import { describe, expect, it } from 'vitest';
import shop from '../fixtures/shop-http.ts';
import tiny from '../fixtures/tiny-http.ts';
import { checkHttpScenario } from '../../src/http/check-scenario.ts';
import { httpLoad } from '../../src/http/load.ts';
import type { ScenarioSpec } from '../../src/scenario.ts';
import { serviceOf, withVariants, type HttpScenario } from '../../src/http/scenario.ts';

const check = (scenario: object, change: (scenario: any) => void) => {
  const copy: any = { ...scenario };
  copy.http = { ...copy.http, service: { ...copy.http.service }, requests: { ...copy.http.requests } };
  change(copy);
  return checkHttpScenario(copy as HttpScenario, 'tiny.ts');
};

describe('checkHttpScenario', () => {
  it('accepts a service with a workload and one without', async () => {
    await checkHttpScenario(tiny, 'tiny.ts');
    await checkHttpScenario(shop as HttpScenario, 'shop.ts');
  });

  it.each<[what: string, change: (scenario: any) => void, says: RegExp]>([
    ['no request', (s) => (s.http.requests = {}), /http\.requests: at least one request/],
    [
      'a weight of nothing',
      (s) => (s.http.requests.read_item = { ...s.http.requests.read_item, weight: 0 }),
      /read_item\.weight/,
    ],
    [
      'a check that is no function',
      (s) => (s.http.requests.read_item = { ...s.http.requests.read_item, check: { body: 'ok' } }),
      /check\.body: expected a function/,
    ],
    [
      'a status that there is not',
      (s) => (s.http.requests.read_item = { ...s.http.requests.read_item, check: { status: 1000 } }),
      /check\.status/,
    ],
    ['a service of nothing', (s) => delete s.http.service.command, /neither a command nor a url/],
    ['a service of both kinds', (s) => (s.http.service.url = 'http://127.0.0.1:80'), /both a command and a url/],
    ['an empty command', (s) => (s.http.service.command = []), /a program is needed/],
    [
      'an empty companion',
      (s) => (s.http.service.beside = { STORE: { command: [], value: '' } }),
      /beside\.STORE\.command/,
    ],
    ['a url with a path', (s) => (s.http.service = { url: 'http://127.0.0.1/api' }), /without a path/],
    ['a url of another kind', (s) => (s.http.service = { url: 'ftp://127.0.0.1' }), /expected http/],
    ['a url with a password', (s) => (s.http.service = { url: 'http://me:secret@127.0.0.1' }), /expected http/],
    ['a stage that there is not', (s) => (s.http.stages = { later: {} }), /no stage later/],
    [
      'a request that there is not',
      (s) => (s.http.stages = { after: { answersDiffer: { nope: 'why not' } } }),
      /no request nope/,
    ],
    ['a reading of no path', (s) => (s.http.readings = { hits: { ...s.http.readings.hits, path: 'x' } }), /hits\.path/],
    [
      'a reading of a stage that there is not',
      (s) => (s.http.readings = { hits: { ...s.http.readings.hits, stages: ['later'] } }),
      /http\.readings\.hits\.stages: there is no stage later/,
    ],
    [
      'a variant of a stage that there is not',
      (s) => (s.http.variants = { cached: { like: 'later', description: 'Cached' } }),
      /http\.variants\.cached\.like: there is no stage later/,
    ],
    [
      'a variant of a name that is taken',
      (s) => (s.http.variants = { after: { like: 'before', description: 'Cached' } }),
      /the name after is a stage's already/,
    ],
    [
      'a claim of nothing that there is',
      (s) =>
        (s.http.claims = [
          {
            text: 'fast',
            source: 'x',
            stage: 'after',
            measure: { kind: 'latency', transaction: 'nope', statistic: 'p95', time: 'response' },
          },
        ]),
      /http\.claims\.0\.measure\.transaction: there is no transaction nope[^]*http\.claims\.0: give atLeast/,
    ],
    ['an unknown key', (s) => (s.http.srevice = {}), /srevice/],
    ['a load that is none', (s) => (s.http.load = { ratePerSecond: -1 }), /http\.load\.ratePerSecond/],
  ])('refuses %s', async (_, change, says) => {
    await expect(check(tiny, change)).rejects.toThrow(says);
  });

  it('tells all faults at once, those of the workload too', async () => {
    const broken = check(shop, (s) => {
      s.title = '';
      s.http.service.command = [];
      s.http.requests.visit = { ...s.http.requests.visit, access: 'delete' };
    });
    await expect(broken).rejects.toThrow(/title[^]*http\.service\.command[^]*visit\.access/);
  });
});

describe('serviceOf', () => {
  const requests = tiny.http.requests;
  const service = { command: ['npm', 'start'], env: { A: '1', B: '1' }, readyPath: '/ready' };

  it('adds variables of the stage to the common ones', () => {
    expect(serviceOf({ service, requests, stages: { after: { env: { B: '2' } } } }, 'after')).toEqual({
      command: ['npm', 'start'],
      env: { A: '1', B: '2' },
      beside: {},
      readyPath: '/ready',
    });
  });

  it('does not start the common command for a stage that has a url', () => {
    const stages = { after: { url: 'http://127.0.0.1:3000', answersDiffer: { read_item: 'newer' } } };
    expect(serviceOf({ service, requests, stages }, 'after')).toEqual({
      url: 'http://127.0.0.1:3000',
      env: { A: '1', B: '1' },
      beside: {},
      readyPath: '/ready',
    });
  });
});

describe('withVariants', () => {
  it('adds stages before the last one, each with the database and the service that it is like', () => {
    const given: ScenarioSpec = {
      ...shop,
      http: {
        ...shop.http!,
        stages: { before: { env: { POOL: '20' }, answersDiffer: { visit: 'why not' } } },
        variants: { cached: { like: 'before', description: 'Cached', env: { CACHE: 'on' } } },
      },
    };
    const scenario = withVariants(given);
    expect(scenario.stages.map(({ name, migrations }) => [name, migrations])).toEqual([
      ['before', '001'],
      ['cached', '001'],
      ['after', '002'],
    ]);
    expect(serviceOf(scenario.http!, 'cached')).toMatchObject({
      env: { POOL: '20', CACHE: 'on' },
      readyPath: '/ready',
    });
    expect(scenario.http!.stages!['cached']).toMatchObject({ answersDiffer: { visit: 'why not' } });
    // It is checked once more with the stages that it has now.
    return checkHttpScenario(scenario as HttpScenario, 'shop.ts');
  });
});

describe('httpLoad', () => {
  it('takes the later source, and nothing of the connections to the database', () => {
    const load = httpLoad(
      { ratePerSecond: 10, connections: 4, statementTimeoutMs: 1, prepared: false },
      { durationMs: 7_000, requestTimeoutMs: 3_000 },
      { durationMs: 9_000 },
    );
    expect(load).toEqual({
      ratePerSecond: 10,
      arrivals: 'poisson',
      durationMs: 9_000,
      warmupMs: 5_000,
      connections: 100,
      statementTimeoutMs: 3_000,
    });
  });

  it('refuses what is not possible', () => {
    expect(() => httpLoad({}, { connections: 0 })).toThrow(/connections/);
    expect(() => httpLoad({ durationMs: 10 })).toThrow(/at least one second/);
  });
});
