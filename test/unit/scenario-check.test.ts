import { describe, expect, it } from 'vitest';
import shop from '../fixtures/shop.ts';
import { cases, plant } from '../../bench/planted/cases.ts';
import webhooks from '../../scenarios/webhooks.ts';
import type { ScenarioSpec } from '../../src/scenario.ts';
import { checkScenario } from '../../src/scenario-check.ts';

const check = (change: (scenario: any) => void) => {
  const copy: any = {
    ...shop,
    stages: shop.stages.map((stage) => ({ ...stage })),
    workload: { ...shop.workload, transactions: { ...shop.workload.transactions } },
  };
  change(copy);
  return checkScenario(copy as ScenarioSpec, 'shop.ts');
};

describe('checkScenario', () => {
  it('accepts what ships', async () => {
    await checkScenario(shop, 'shop.ts');
    await checkScenario(webhooks, 'webhooks.ts');
  });

  it.each(Object.keys(cases))('accepts what is planted to measure the gates: %s', async (name) => {
    await checkScenario(plant(name, 'migrations/webhooks', 1000), `${name}.ts`);
  });

  it.each<[what: string, change: (scenario: any) => void, says: RegExp]>([
    ['a missing title', (s) => delete s.title, /title/],
    ['an unknown key', (s) => (s.stages[0].profle = 'x'), /stages\.0.*profle/],
    ['no transactions', (s) => (s.workload.transactions = {}), /at least one transaction/],
    ['no stages', (s) => (s.stages = []), /at least one stage/],
    ['two stages of one name', (s) => (s.stages[1].name = 'before'), /before is taken twice/],
    ['a stage without a connection', (s) => (s.stages[1].connections = 0), /stages\.1\.connections/],
    ['a pool of an unknown rule', (s) => (s.stages[1].pool = { maxi: 3 }), /stages\.1\.pool.*maxi/],
    [
      'a pool that gives no time',
      (s) => (s.load = { pool: { connectionTimeoutMs: 0 } }),
      /load\.pool\.connectionTimeoutMs/,
    ],
    [
      'two sizes of one pool',
      (s) => Object.assign(s.stages[1], { connections: 3, pool: { max: 4 } }),
      /stages\.after: connections and pool\.max say the same/,
    ],
    [
      'a topology of an unknown part',
      (s) => (s.stages[1].topology = { repplica: {} }),
      /stages\.1\.topology.*repplica/,
    ],
    ['a pooler of an unknown rule', (s) => (s.stages[1].topology = { pooler: { size: 3 } }), /topology\.pooler.*size/],
    [
      'a write that reads its own writes',
      (s) => (s.workload.transactions.visit = { ...s.workload.transactions.visit, readsOwnWrites: true }),
      /visit\.readsOwnWrites: a write stays/,
    ],
    [
      'a replica that nothing goes to',
      (s) => {
        s.stages[1].topology = { replica: {} };
        s.workload.transactions.open_orders = { ...s.workload.transactions.open_orders, readsOwnWrites: true };
      },
      /after\.topology\.replica: no transaction would go to it/,
    ],
    [
      'a read that locks, and a replica',
      (s) => {
        s.stages[1].topology = { replica: {} };
        s.stages[1].rewrites = {
          open_orders: { statements: { lock: 'SELECT 1 FROM (SELECT id FROM orders FOR SHARE) AS o' }, run: () => [] },
        };
      },
      /open_orders\.lock: writes or locks rows, and the replica of stage after refuses/,
    ],
    [
      'a read that writes on the way, and a replica',
      (s) => {
        s.stages[1].topology = { replica: {} };
        s.stages[1].rewrites = {
          open_orders: {
            statements: { w: 'WITH gone AS (DELETE FROM visits RETURNING id) SELECT * FROM gone' },
            run: () => [],
          },
        };
      },
      /open_orders\.w: writes or locks rows/,
    ],
    ['a bad stage name', (s) => (s.stages[1].name = '../after'), /lower-case/],
    [
      'a rewrite of nothing',
      (s) => (s.stages[1].rewrites = { nope: s.workload.transactions.visit }),
      /no transaction nope/,
    ],
    [
      'an unknown isolation level',
      (s) => (s.workload.transactions.visit = { ...s.workload.transactions.visit, atomic: true, isolation: 'chaos' }),
      /visit\.isolation/,
    ],
    [
      'an isolation level without BEGIN',
      (s) => (s.workload.transactions.visit = { ...s.workload.transactions.visit, isolation: 'serializable' }),
      /transactions\.visit\.isolation: only an atomic/,
    ],
    [
      'an isolation level without BEGIN in a rewrite',
      (s) => (s.stages[1].rewrites = { visit: { ...s.workload.transactions.visit, isolation: 'serializable' } }),
      /stages\.after\.visit\.isolation/,
    ],
    ['an excuse for nothing', (s) => (s.stages[1].answersDiffer = { nope: 'why' }), /no transaction nope/],
    [
      'an invariant of an unknown stage',
      (s) => (s.workload.invariants = { i: { description: 'd', sql: 'SELECT 1', stages: ['x'] } }),
      /no stage x/,
    ],
    [
      'a reading of an unknown stage',
      (s) => (s.workload.readings = { r: { description: 'd', sql: 'SELECT 1', unit: 'ms', stages: ['x'] } }),
      /readings\.r\.stages: there is no stage x/,
    ],
    [
      'a reading in an unknown unit',
      (s) => (s.workload.readings = { r: { description: 'd', sql: 'SELECT 1', unit: 'miles' } }),
      /readings\.r\.unit/,
    ],
    [
      'a job with broken SQL',
      (s) => (s.stages[1].jobs = { j: { description: 'd', everyMs: 1000, statements: ['VACUM'] } }),
      /stages\.after\.jobs\.j\.0: syntax error/,
    ],
    [
      'a job without rest',
      (s) => (s.stages[1].jobs = { j: { description: 'd', everyMs: 0, statements: ['VACUUM'] } }),
      /at least 100 ms/,
    ],
    ['a shape without a rate', (s) => (s.load = { shape: [{ at: 0.5, rate: 0 }] }), /load\.shape: a rate above 0/],
    ['a shape without points', (s) => (s.load = { shape: [] }), /load\.shape: a rate above 0/],
    [
      'a shape that goes back in time',
      (s) =>
        (s.load = {
          shape: [
            { at: 0.5, rate: 1 },
            { at: 0.2, rate: 2 },
          ],
        }),
      /order of their instants/,
    ],
    ['a negative rate', (s) => (s.load = { ratePerSecond: -5 }), /ratePerSecond/],
    ['too short a run', (s) => (s.load = { durationMs: 10 }), /at least one second/],
    ['an impossible percentile', (s) => (s.slo = { percentile: 100 }), /percentile/],
    [
      'a claim without a range',
      (s) => (s.claims = [{ text: 't', source: 's', stage: 'after', measure: { kind: 'heldRate' } }]),
      /atLeast, atMost/,
    ],
    [
      'a claim about an unknown stage',
      (s) => (s.claims = [{ text: 't', source: 's', stage: 'x', measure: { kind: 'heldRate' }, atMost: 1 }]),
      /no stage x/,
    ],
    ...(
      [
        ['a claim about a reading that is not taken', { reading: 'size', unit: 'bytes' }, /no reading size/],
        ['a claim in another unit than its reading', { reading: 'age', unit: 'ms' }, /the reading age is in s$/m],
      ] as const
    ).map(([what, reading, says]): [string, (s: any) => void, RegExp] => [
      what,
      (s) => {
        s.workload.readings = { age: { description: 'd', sql: 'SELECT 1', unit: 's' } };
        s.claims = [{ text: 't', source: 's', stage: 'after', measure: { kind: 'reading', ...reading }, atMost: 1 }];
      },
      says,
    ]),
    [
      'a broken invariant',
      (s) => (s.workload.invariants = { i: { description: 'd', sql: 'SELEC 1' } }),
      /invariants\.i/,
    ],
  ])('refuses %s', async (_what, change, says) => {
    await expect(check(change)).rejects.toThrow(says);
  });

  it('takes a claim that nothing measures without a range', async () => {
    const measure = { kind: 'none', reason: 'no such machine' };
    await check((s) => (s.claims = [{ text: 't', source: 's', stage: 'after', measure }]));
  });

  it('tells all faults at once', async () => {
    const faulty = check((s) => {
      s.load = { ratePerSecond: 0 };
      s.slo = { limitMs: -1 };
      s.title = '';
    });
    await expect(faulty).rejects.toThrow(/title[\s\S]*load[\s\S]*slo/);
  });
});
