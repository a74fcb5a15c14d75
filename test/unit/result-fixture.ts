/** A plausible RunResult for tests: the figures follow from a few parameters and their books balance. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { schemaVersion } from '../../src/result.ts';
import type {
  Block,
  Percentiles,
  RelationSize,
  RunResult,
  StageResult,
  TimelineBucket,
  TransactionFigures,
} from '../../src/result.ts';

/** How a stage behaves under load. */
export interface StageBehaviour {
  stage: string;
  outcome: Block['outcome'];
  seconds: number;
  ratePerSecond: number;
  /** Share of arrivals that miss the limit, in second `second`. */
  missShare(second: number): number;
  /** 95th percentile of the response time in second `second`, in microseconds. */
  p95Us(second: number): number;
  /** Median service time of a transaction, in microseconds. */
  serviceUs(transaction: string): number;
  /** The rate it holds when saturated. */
  heldPerSecond?: number;
}

const mix: [name: string, weight: number, access: 'read' | 'write', description: string][] = [
  ['delivery_log', 25, 'write', 'Look up an event and record a delivery attempt'],
  ['event_ingest', 20, 'write', 'Store an event, ignoring duplicates'],
  ['dashboard', 15, 'read', 'Events and deliveries of a user in the last 24 hours'],
  ['event_list', 12, 'read', 'Newest events delivered to a user'],
  ['endpoint_match', 10, 'read', 'Active endpoints that want an event'],
  ['timeseries', 6, 'read', 'Deliveries by hour or day'],
  ['endpoint_stats', 5, 'read', 'Delivery statistics of every endpoint of a user'],
  ['endpoint_deliveries', 5, 'read', 'A page of deliveries of one endpoint'],
  ['retry_poll', 2, 'write', 'Claim due retries'],
];
const totalWeight = mix.reduce((total, [, weight]) => total + weight, 0);
const heavy = new Set(['dashboard', 'event_list', 'timeseries']);

/** "before" of the webhooks workload: 14/s of 1,000/s, noticed after nine seconds. */
export const saturatedBefore: StageBehaviour = {
  stage: 'before',
  outcome: 'saturated',
  seconds: 9,
  ratePerSecond: 1000,
  missShare: () => 0.985,
  // Nearly all are still waiting at the end, so what counts is their age then.
  p95Us: (second) => 9_900_000 - second * 1_000_000,
  serviceUs: (name) => (heavy.has(name) ? 2_310_000 : 38_000),
  heldPerSecond: 14.2,
};

/** "after": a calm minute with one slower second. */
export const calmAfter: StageBehaviour = {
  stage: 'after',
  outcome: 'complete',
  seconds: 60,
  ratePerSecond: 1000,
  missShare: (second) => (second === 31 ? 0.09 : 0.0016),
  p95Us: (second) => (second === 31 ? 64_000 : 5200 + 2600 * Math.abs(Math.sin(second * 1.7))),
  serviceUs: (name) => (heavy.has(name) ? 2600 : 640),
};

export function percentiles(count: number, medianUs: number, spread: number): Percentiles {
  if (count === 0) return { count, minUs: 0, meanUs: 0, p50Us: 0, p90Us: 0, p95Us: 0, p99Us: 0, p999Us: 0, maxUs: 0 };
  const at = (z: number) => Math.round(medianUs * Math.exp(z * spread));
  return {
    count,
    minUs: at(-2.5),
    meanUs: at(0.5 * spread),
    p50Us: at(0),
    p90Us: at(1.28),
    p95Us: at(1.64),
    p99Us: at(2.33),
    p999Us: at(3.09),
    maxUs: at(3.7),
  };
}

function buildBlock(behaviour: StageBehaviour): Block {
  const timeline = buildTimeline(behaviour);
  const scheduled = total(timeline, (bin) => bin.scheduled);
  const missed = total(timeline, (bin) => bin.missed);
  const saturated = behaviour.outcome === 'saturated';
  const held = Math.round((behaviour.heldPerSecond ?? 14.2) * behaviour.seconds);
  const unfinished = saturated ? scheduled - held : 0;
  const measuredMs = behaviour.seconds * 1000;
  return {
    id: `${behaviour.stage}-1`,
    stage: behaviour.stage,
    startedAt: '2026-11-20T21:04:10.000Z',
    ratePerSecond: behaviour.ratePerSecond,
    plannedMs: 60_000,
    warmupMs: 5000,
    measuredMs,
    outcome: behaviour.outcome,
    ...(saturated
      ? { saturation: { atMs: measuredMs, heldPerSecond: behaviour.heldPerSecond ?? 14.2, backlog: unfinished } }
      : {}),
    counts: { scheduled, succeeded: scheduled - unfinished, failed: 0, timedOut: 0, unfinished },
    missed,
    total: {
      response: percentiles(scheduled, saturated ? 4_300_000 : 1500, saturated ? 0.5 : 0.95),
      service: percentiles(scheduled - unfinished, saturated ? 240_000 : 1300, saturated ? 0.95 : 0.9),
      wait: percentiles(scheduled, saturated ? 3_900_000 : 90, 0.5),
    },
    transactions: buildTransactions(behaviour, { scheduled, missed, unfinished }),
    timeline,
    longestGapMs: saturated ? 1840 : 21,
    generator: {
      lateness: percentiles(scheduled, 60, 0.8),
      cpuCores: 0.42,
      eventLoopDelayP99Us: 1400,
      workers: 1,
    },
    samplesFile: `samples/${behaviour.stage}-1.bin`,
  };
}

function buildTimeline(behaviour: StageBehaviour): TimelineBucket[] {
  const random = xoroshiro128plus(7);
  return Array.from({ length: behaviour.seconds }, (_, second) => {
    const noise = (uniformFloat64(random) + uniformFloat64(random) + uniformFloat64(random) - 1.5) * 2;
    const scheduled = Math.round(behaviour.ratePerSecond + noise * Math.sqrt(behaviour.ratePerSecond));
    const p95Us = Math.round(behaviour.p95Us(second));
    return {
      offsetMs: second * 1000,
      scheduled,
      completed: behaviour.outcome === 'saturated' ? Math.round(behaviour.heldPerSecond ?? 14) : scheduled,
      missed: Math.round(scheduled * behaviour.missShare(second)),
      failed: 0,
      p50Us: Math.round(p95Us / 3),
      p95Us,
      maxUs: p95Us * 3,
    };
  });
}

type Sums = { scheduled: number; missed: number; unfinished: number };

function buildTransactions(behaviour: StageBehaviour, sums: Sums): Block['transactions'] {
  const scheduled = split(sums.scheduled);
  const missed = split(sums.missed);
  const unfinished = split(sums.unfinished);
  const saturated = behaviour.outcome === 'saturated';
  return mix.map(([name, , access], index) => {
    const count = scheduled[index]!;
    const serviceUs = behaviour.serviceUs(name);
    const service = percentiles(count - unfinished[index]!, serviceUs, saturated ? 0.36 : 0.7);
    const response = saturated ? percentiles(count, 4_300_000, 0.5) : percentiles(count, serviceUs + 150, 0.75);
    return {
      name,
      access,
      counts: {
        scheduled: count,
        succeeded: count - unfinished[index]!,
        failed: 0,
        timedOut: 0,
        unfinished: unfinished[index]!,
      },
      missed: missed[index]!,
      errors: {},
      response,
      service,
      wait: percentiles(count, saturated ? 3_900_000 : 90, 0.5),
      classes: heavy.has(name) ? byClass(count, missed[index]!, service, response) : {},
    };
  });
}

function byClass(
  count: number,
  missed: number,
  service: Percentiles,
  response: Percentiles,
): TransactionFigures['classes'] {
  const hot = Math.round(count * 0.04);
  const slow = percentiles(hot, service.p50Us * 3, 0.4);
  return {
    hot: { count: hot, missed: Math.round(missed * 0.04), response: slow, service: slow },
    rest: { count: count - hot, missed: missed - Math.round(missed * 0.04), response, service },
  };
}

/** A number split by the weights of the mix, without remainder. */
function split(whole: number): number[] {
  let given = 0;
  let weightGiven = 0;
  return mix.map(([, weight]) => {
    weightGiven += weight;
    const share = Math.round((whole * weightGiven) / totalWeight) - given;
    given += share;
    return share;
  });
}

function total(bins: TimelineBucket[], pick: (bin: TimelineBucket) => number): number {
  return bins.reduce((sum, bin) => sum + pick(bin), 0);
}

const GiB = 2 ** 30;

function buildStage(name: string, tuned: boolean): StageResult {
  return {
    name,
    description: tuned
      ? 'Denormalised, indexed for its queries, tuned for the host'
      : 'As the source document describes it',
    migrations: tuned ? '009' : '001',
    profile: tuned ? 'tuned' : 'stock',
    settings: tuned
      ? [
          { name: 'shared_buffers', value: '2GB', reason: 'a quarter of the memory of the host', source: 'manual' },
          {
            name: 'random_page_cost',
            value: '1.1',
            reason: 'random reads cost little more than sequential ones on an SSD',
          },
        ]
      : [],
    applied: tuned
      ? [
          { version: '002', name: 'drop_unused_indexes', sha256: 'a'.repeat(64), durationMs: 42, statements: 4 },
          {
            version: '003',
            name: 'delivery_attempts_user_id',
            sha256: 'b'.repeat(64),
            durationMs: 31_400,
            statements: 6,
          },
          { version: '004', name: 'covering_index', sha256: 'c'.repeat(64), durationMs: 9800, statements: 1 },
        ]
      : [],
    snapshotKey: tuned ? '5d1f0c8a2b77' : 'e10b6f3d9944',
    cached: false,
    databaseBytes: Math.round((tuned ? 7.41 : 6.93) * GiB),
    relations: [
      relation('delivery_attempts', 5_600_000, 1.1, tuned ? 1.3 : 0.9),
      relation('events', 4_700_000, 2.7, tuned ? 0.9 : 1.3),
      relation('users', 2000, 0.0004, 0.0003),
    ],
  };
}

function relation(table: string, rows: number, heapGiB: number, indexGiB: number): RelationSize {
  const [heapBytes, indexBytes] = [Math.round(heapGiB * GiB), Math.round(indexGiB * GiB)];
  return { table, rows, heapBytes, indexBytes, totalBytes: heapBytes + indexBytes };
}

/** A complete run of `webhooks`; behaviours decide how its stages fare. */
export function buildResult(behaviours: StageBehaviour[] = [saturatedBefore, calmAfter]): RunResult {
  const stages = behaviours.map(({ stage }, index) => buildStage(stage, index === behaviours.length - 1));
  const reads = mix.filter(([, , access]) => access === 'read');
  return {
    schemaVersion,
    id: '20261120-210301-webhooks',
    status: 'complete',
    startedAt: '2026-11-20T21:03:01.000Z',
    finishedAt: '2026-11-20T21:09:44.000Z',
    tool: { version: '0.1.0', node: '24.21.0' },
    command: 'pgrehearse run webhooks --rate 1000 --duration 60s',
    host: {
      cpuModel: 'AMD EPYC 7B13',
      cores: 2,
      memoryBytes: 8 * GiB,
      os: 'Debian GNU/Linux 12',
      kernel: '6.1.0',
      arch: 'x64',
    },
    server: { kind: 'embedded', version: '18.4', major: 18 },
    scenario: {
      name: 'webhooks',
      title: 'Webhook deliveries',
      description: 'Ten million rows of events and delivery attempts, one user owning most of them.',
      transactions: mix.map(([name, weight, access, description]) => ({ name, weight, access, description })),
    },
    load: {
      ratePerSecond: 1000,
      arrivals: 'poisson',
      durationMs: 60_000,
      warmupMs: 5000,
      connections: 50,
      statementTimeoutMs: 5000,
    },
    slo: { percentile: 95, limitMs: 50 },
    seed: {
      seed: 42,
      scale: 1,
      asOf: '2026-11-01T00:00:00.000Z',
      rows: 10_302_000,
      bytes: 4_310_000_000,
      copyMs: 96_000,
      indexMs: 61_000,
      tables: [
        { name: 'users', rows: 2000, copyMs: 40, copyBytes: 310_000, sha256: 'd'.repeat(64) },
        { name: 'events', rows: 4_700_000, copyMs: 91_000, copyBytes: 2_700_000_000, sha256: 'e'.repeat(64) },
        {
          name: 'delivery_attempts',
          rows: 5_600_000,
          copyMs: 96_000,
          copyBytes: 1_609_690_000,
          sha256: 'f'.repeat(64),
        },
      ],
    },
    stages,
    phases: [
      { name: 'server', durationMs: 2100 },
      { name: 'seed', durationMs: 96_000 },
      { name: 'index', durationMs: 61_000 },
      { name: 'snapshot', durationMs: 4200 },
      ...stages.flatMap(({ name }) => [
        { name: 'clone' as const, stage: name, durationMs: 3800 },
        { name: 'correctness' as const, stage: name, durationMs: 11_200 },
        { name: 'measure' as const, stage: name, durationMs: name === 'before' ? 19_000 : 66_000 },
      ]),
      { name: 'migrate', stage: stages.at(-1)?.name ?? '', durationMs: 41_242 },
    ],
    blocks: behaviours.map((behaviour) => buildBlock(behaviour)),
    answers: stages.slice(1).flatMap(({ name: stage }) =>
      reads.map(([transaction]) => ({
        transaction,
        stage,
        compared: transaction === 'dashboard' ? 193 : 200,
        different: 0,
        unanswered: transaction === 'dashboard' ? 7 : 0,
      })),
    ),
    invariants: stages.flatMap(({ name: stage }) =>
      (['seeded', 'loaded'] as const).map((when) => ({
        name: 'attempts_have_events',
        description: 'Every delivery attempt belongs to an event',
        stage,
        when,
        holds: true,
        durationMs: 880,
      })),
    ),
    claims: [],
    warnings: [
      {
        code: 'shared-host',
        message: 'Other processes used 0.3 of 2 cores while "after" was measured.',
        advice: 'Repeat on a quiet machine before you rely on differences below 10 %.',
        stage: 'after',
      },
    ],
  };
}

/** Everything that could break Markdown, HTML, XML or a terminal. */
export const hostileName =
  '<script>alert(1)</script> | `x` **b** [l](http://e.org) {a|b} @me $x$ "q" & \u0000\u001B[31m\r\n# h\u2028\uD800';
