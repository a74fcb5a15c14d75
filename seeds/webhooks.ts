/**
 * Rows of the webhooks workload: 4.7 million blockchain events over 30 days and 5.64 million attempts to deliver them.
 *
 * One user owns 62 % of the events; the others are spread log-normally. Everything that was appended to in production (events,
 * attempts, blocks) grows with the row number here too.
 */
import {
  after,
  asOf,
  byIndex,
  chance,
  childNumber,
  combine,
  constant,
  defineSeed,
  faked,
  groups,
  hex,
  inTurn,
  json,
  list,
  logNormal,
  logNormalShares,
  lookup,
  nullable,
  oneOf,
  parent,
  reference,
  rowNumber,
  rowOf,
  rowUnder,
  siblings,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  when,
  zipfian,
} from 'pgrehearse';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** Digits that look random and never change: the addresses and signatures of the world outside. */
function fixedHex(name: string, index: number, digits: number): string {
  let state = Array.from(name).reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), index + 1);
  let text = '0x';
  while (text.length < digits + 2) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) + index;
    text += (state >>> 0).toString(16).padStart(8, '0');
  }
  return text.slice(0, digits + 2);
}

/** 500 contracts, of which the first ten emit half of the events. */
const contracts = Array.from({ length: 500 }, (_, index) => fixedHex('contract', index, 40));
const contractShares = contracts.map((address, index) => [address, index < 10 ? 50 / 10 : 50 / 490] as const);
const contractAddress = weighted(contractShares);

/** 40 event signatures; the first, Transfer, is 60 % of the events. */
const signatures = Array.from({ length: 40 }, (_, index) => fixedHex('signature', index, 64));
const signatureShares = signatures.map((signature, index) => [signature, index === 0 ? 60 : 40 / 39] as const);

/** Topics hold addresses, padded to 32 bytes, of which there are many. */
const addressTopic = text`0x000000000000000000000000${hex(20)}`;

/** User row 0 owns 62 % of the events; the shares of the others are spread log-normally, the largest first. */
const eventOwner = rowOf('users', logNormalShares(0.7, { first: 0.62 }));

/** Consecutive events of one blockchain transaction: 1.33 on average. */
const transactions = groups([
  [1, 75],
  [2, 17],
  [3, 8],
]);

/** What the further attempts are, where an event has several: repeats, or deliveries to other endpoints of the owner or of others. */
const further = { retries: 0, ownEndpoints: 1, otherUsers: 2 };

/** How an attempt ended, as an index into the values of the columns that tell about it. */
const outcomes = { ok: 0, serverError: 1, throttled: 2, timeout: 3 };
const anyFailure = weighted([
  [outcomes.serverError, 55],
  [outcomes.throttled, 20],
  [outcomes.timeout, 25],
]);
const fails = (share: number) => when(chance(share), anyFailure, constant(outcomes.ok));

/** About 160 characters, as the endpoints of production answer. */
function acceptedBody(id: string, words: string): string {
  return JSON.stringify({ status: 'accepted', id, message: words.padEnd(70, '.').slice(0, 70), queued: true });
}

function refusedBody(id: string, phrase: string): string {
  return JSON.stringify({ error: { id, detail: phrase.padEnd(90, '.').slice(0, 90) } });
}

export const webhooksSeed = defineSeed({
  asOf: '2026-11-01T00:00:00Z',
  tables: {
    users: {
      rows: 2_000,
      fixed: true,
      columns: {
        id: uuid(),
        email: text`user-${rowNumber()}@${oneOf(['example.com', 'example.org', 'example.net'])}`,
        password_hash: text`$argon2id$v=19$m=19456,t=2,p=1$${hex(16)}$${hex(32)}`,
        full_name: faked((faker) => faker.person.fullName()),
        name: nullable(
          0.3,
          faked((faker) => faker.internet.username()),
        ),
        email_verified: chance(0.9),
        is_admin: combine([rowNumber()], (row) => (row % 400 === 1 ? 1 : 0), { as: 'boolean' }),
        subscription_tier: weighted([
          ['free', 70],
          ['starter', 18],
          ['pro', 10],
          ['enterprise', 2],
        ]),
        subscription_status: weighted([
          ['active', 92],
          ['past_due', 3],
          ['cancelled', 5],
        ]),
        stripe_customer_id: nullable(0.7, text`cus_${hex(7)}`),
        api_key_hash: nullable(0.2, hex(32)),
        created_at: timestamp({ days: 500, endsMsBefore: 31 * 24 * hourMs, inRowOrder: true }),
        updated_at: timestamp({ days: 30 }),
        last_login_at: nullable(0.1, timestamp({ days: 30, daily: 0.5 })),
      },
    },
    applications: {
      childrenOf: {
        table: 'users',
        counts: [
          [1, 60],
          [2, 30],
          [3, 10],
        ],
      },
      columns: {
        id: uuid(),
        user_id: parent('id'),
        name: faked((faker) => faker.commerce.productName()),
        description: nullable(
          0.4,
          faked((faker) => faker.company.catchPhrase()),
        ),
        webhook_secret: hex(32),
        api_key: nullable(0.5, hex(32)),
        is_active: chance(0.97),
        created_at: after(parent('created_at'), uniform(hourMs, 720 * hourMs)),
        updated_at: timestamp({ days: 30 }),
      },
    },
    endpoints: {
      childrenOf: {
        table: 'applications',
        counts: [
          [1, 40],
          [2, 30],
          [3, 20],
          [4, 10],
        ],
      },
      columns: {
        id: uuid(),
        application_id: parent('id'),
        name: faked((faker) => `${faker.hacker.noun()} ${faker.hacker.verb()}`),
        description: nullable(
          0.6,
          faked((faker) => faker.company.buzzPhrase()),
        ),
        webhook_url: text`https://hooks-${rowNumber()}.example.com/events`,
        hmac_secret: hex(32),
        contract_addresses: nullable(0.1, list([contractAddress, contractAddress, contractAddress], uniform(1, 3))),
        event_signatures: nullable(0.2, list([weighted(signatureShares), oneOf(signatures)], uniform(1, 2))),
        chain_ids: weighted([
          [[1], 50],
          [[1, 42_161], 15],
          [[42_161], 12],
          [[10], 8],
          [[8_453], 8],
          [[1, 42_161, 10, 8_453], 7],
        ]),
        rate_limit_per_second: constant(10),
        max_retries: constant(5),
        timeout_seconds: constant(30),
        is_active: chance(0.95),
        health_status: weighted([
          ['healthy', 93],
          ['degraded', 5],
          ['failing', 2],
        ]),
        last_successful_delivery_at: nullable(0.02, timestamp({ days: 1 })),
        consecutive_failures: weighted([
          [0, 92],
          [1, 5],
          [4, 3],
        ]),
        created_at: after(parent('created_at'), uniform(hourMs, 240 * hourMs), { cap: true }),
        updated_at: timestamp({ days: 30 }),
      },
    },
    events: {
      rows: 4_700_000,
      minimumRows: 1_000,
      latent: {
        owner: eventOwner,
        endpoint: rowUnder('endpoints', 'users', 'owner'),
        transaction: transactions.number(),
        further: weighted([
          [further.retries, 30],
          [further.ownEndpoints, 38],
          [further.otherUsers, 32],
        ]),
      },
      columns: {
        id: uuid(),
        block_number: combine(['transaction'], (number) => 21_000_000 + Math.floor(number / 4.5)),
        block_hash: hex(32, { prefix: '0x', by: 'block_number' }),
        transaction_hash: hex(32, { prefix: '0x', by: 'transaction' }),
        log_index: combine(['transaction', transactions.place()], (number, place) => ((number * 7) % 190) + place),
        contract_address: contractAddress,
        topics: list(
          [weighted(signatureShares), addressTopic, addressTopic, text`0x${hex(32)}`],
          weighted([
            [1, 15],
            [2, 25],
            [3, 45],
            [4, 15],
          ]),
        ),
        data: text`0x${hex(59)}`,
        ingested_at: timestamp({
          days: 30,
          endsMsBefore: 10 * secondMs,
          inRowOrder: true,
          daily: 0.25,
          weekend: 0.95,
          growthPerDay: 0.05,
          growthDays: 4,
        }),
        processed_at: after('ingested_at', uniform(50, 900)),
      },
    },
    delivery_attempts: {
      childrenOf: {
        table: 'events',
        counts: [
          [1, 84.4],
          [2, 12],
          [3, 2.8],
          [4, 0.8],
        ],
      },
      latent: {
        place: childNumber({ from: 0 }),
        further: parent('further'),
        /** Number of the repetition, 0 for first attempts. */
        repetition: combine(['place', 'further'], (place, kind) => (kind === further.retries ? place : 0)),
        toOtherUser: combine(['further'], (kind) => Number(kind === further.otherUsers), { as: 'boolean' }),
        isFanOut: combine(['place', 'further'], (place, kind) => Number(place > 0 && kind !== further.retries), {
          as: 'boolean',
        }),
        endpoint: when(
          'isFanOut',
          rowUnder('endpoints', 'users', when('toOtherUser', eventOwner, parent('owner'))),
          parent('endpoint'),
        ),
        /** Failed for certain, or it would not have been repeated. */
        wasRepeated: combine(
          ['place', siblings(), 'further'],
          (place, count, kind) => Number(kind === further.retries && place < count - 1),
          { as: 'boolean' },
        ),
        outcome: when('wasRepeated', anyFailure, when('repetition', fails(0.2), fails(0.0243))),
        isLate: combine(['attempted_at', asOf()], (at, now) => Number(now - at < hourMs), { as: 'boolean' }),
        /** Seconds to the first attempt; repetitions wait 2, 8 and 18 minutes more. */
        delayMs: combine(
          ['repetition', uniform(secondMs, 10 * secondMs)],
          (repetition, first) => first + repetition * repetition * 2 * minuteMs,
        ),
      },
      columns: {
        id: uuid(),
        event_id: parent('id'),
        endpoint_id: lookup('endpoints', 'id', 'endpoint'),
        attempt_number: combine(['repetition'], (repetition) => 1 + repetition),
        http_status_code: byIndex([200, 500, 429, null], 'outcome'),
        response_body: when(
          'success',
          faked((faker) => acceptedBody(faker.string.uuid(), faker.lorem.words(8)), { entries: 4_000 }),
          when(
            combine(['outcome'], (outcome) => Number(outcome === outcomes.timeout), { as: 'boolean' }),
            constant(null),
            faked((faker) => refusedBody(faker.string.uuid(), faker.hacker.phrase()), { entries: 500 }),
          ),
        ),
        error_message: byIndex(
          [null, 'HTTP 500 Internal Server Error', 'HTTP 429 Too Many Requests', 'request timed out after 30 s'],
          'outcome',
        ),
        attempted_at: after(parent('ingested_at'), 'delayMs', { cap: true }),
        completed_at: after('attempted_at', 'duration_ms', { cap: true }),
        duration_ms: combine(
          ['outcome', logNormal({ median: 180, sigma: 0.8, min: 4, max: 29_999 })],
          (outcome, duration) => (outcome === outcomes.timeout ? 30_000 : duration),
        ),
        success: byIndex([true, false, false, false], 'outcome'),
        should_retry: combine(
          ['outcome', 'wasRepeated', 'isLate'],
          (outcome, repeated, late) => Number(outcome !== outcomes.ok && repeated === 0 && late === 1),
          { as: 'boolean' },
        ),
        next_retry_at: when('should_retry', after('attempted_at', uniform(minuteMs, 45 * minuteMs))),
      },
    },
    usage_records: {
      childrenOf: { table: 'users', counts: [[5, 1]] },
      columns: {
        id: uuid(),
        user_id: parent('id'),
        period_start: byIndex(
          [6, 7, 8, 9, 10].map((month) => new Date(Date.UTC(2026, month - 1, 1))),
          childNumber({ from: 0 }),
        ),
        events_count: logNormal({ median: 700, sigma: 0.9 }),
        delivery_count: combine(['events_count'], (events) => Math.round(events * 1.2)),
        created_at: after('period_start', uniform(secondMs, 60 * secondMs)),
      },
    },
    audit_logs: {
      rows: 50_000,
      minimumRows: 500,
      latent: { application: rowOf('applications') },
      columns: {
        id: uuid(),
        user_id: nullable(0.02, reference('users', 'id', zipfian(0.8))),
        action: weighted([
          ['user.login', 60],
          ['endpoint.updated', 20],
          ['endpoint.created', 12],
          ['application.secret_rotated', 8],
        ]),
        entity_type: constant('application'),
        entity_id: lookup('applications', 'id', 'application'),
        details: json({
          address: text`10.${uniform(0, 255)}.${uniform(0, 255)}.${uniform(1, 254)}`,
          agent: faked((faker) => faker.internet.userAgent(), { entries: 200 }),
          attempts: uniform(1, 3),
        }),
        created_at: timestamp({ days: 90, inRowOrder: true, daily: 0.5, weekend: 0.4 }),
      },
    },
    subscription_limits: {
      rows: 4,
      fixed: true,
      columns: {
        tier: inTurn(['free', 'starter', 'pro', 'enterprise']),
        max_applications: inTurn([1, 5, 25, 250]),
        max_endpoints: inTurn([2, 20, 100, 1_000]),
        max_events_per_month: inTurn([10_000, 500_000, 5_000_000, 100_000_000]),
        rate_limit_per_second: inTurn([10, 50, 200, 1_000]),
      },
    },
  },
});
