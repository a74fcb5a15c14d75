/** Finds what is wrong with a scenario before anything starts: its shape, its names, its SQL. All faults at once. */
import * as z from 'zod';
import { claimFaults, claimShape } from './claim-check.ts';
import { UsageError } from './errors.ts';
import { httpFaults, httpShape } from './http/check.ts';
import { connections, loadShape, stagePool } from './load-check.ts';
import { migrationFormats } from './migrate/formats/format.ts';
import { isolationLevels, readingUnits, type ScenarioSpec, type TransactionBody } from './scenario.ts';
import { checkStatement } from './sql.ts';
import { topologyFaults, topologyShape } from './topology/check.ts';

const text = z.string().min(1);
const positive = z.number().positive();
const fn = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'expected a function');

const body = z.looseObject({
  statements: z.record(text, text),
  run: fn,
  atomic: z.boolean().optional(),
  isolation: z.enum(isolationLevels).optional(),
});

const transaction = body.extend({
  description: text,
  weight: positive,
  access: z.enum(['read', 'write']),
  params: fn,
  classify: fn.optional(),
  anyOrder: z.boolean().optional(),
  readsOwnWrites: z.boolean().optional(),
});

const job = z.strictObject({
  description: text,
  everyMs: positive.min(100, 'at least 100 ms'),
  firstMs: z.number().min(0).optional(),
  statements: z.array(text).min(1, 'at least one statement is needed'),
  timeoutMs: z.int().positive().optional(),
});

const stage = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes'),
  description: text,
  migrations: text,
  migrationsFolder: text.optional(),
  profile: text,
  connections: connections.optional(),
  pool: stagePool.optional(),
  topology: topologyShape.optional(),
  settings: z.record(text, z.union([z.string(), z.number(), z.boolean()])).optional(),
  takesOver: text.optional(),
  rewrites: z.record(text, body).optional(),
  answersDiffer: z.record(text, text).optional(),
  // The name goes into application_name, which PostgreSQL cuts off at 63 bytes.
  jobs: z.record(text.max(40), job).optional(),
});

export const sloShape = z.strictObject({ percentile: z.number().min(50).max(99.99), limitMs: positive }).partial();

/** Shares: 0.1 is 10 %. */
export const gateShape = z
  .strictObject({ maxRegression: z.number().min(0).max(10), maxWork: z.number().min(0).max(10) })
  .partial();

const limit = z.number().min(0);
const budgets = z
  .strictObject({
    maxStallMs: limit,
    maxBlockedMs: limit,
    maxFailed: z.int().min(0),
    maxLockHoldMs: limit,
    maxInvalidObjects: z.int().min(0),
    maxReplicaLagMs: limit,
  })
  .partial();

const reading = z.strictObject({
  description: text,
  sql: text,
  unit: z.enum(readingUnits),
  stages: z.array(text).optional(),
});

const shape = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes'),
  title: text,
  description: text,
  workload: z.strictObject({
    name: text,
    migrations: text,
    migrationsFormat: z.enum(migrationFormats).optional(),
    baseline: text,
    seed: z.looseObject({}),
    transactions: z
      .record(text, transaction)
      .refine((all) => Object.keys(all).length > 0, 'at least one transaction is needed'),
    invariants: z
      .record(text, z.strictObject({ description: text, sql: text, stages: z.array(text).optional() }))
      .optional(),
    readings: z.record(text, reading).optional(),
  }),
  stages: z.array(stage).min(1, 'at least one stage is needed'),
  load: loadShape.optional(),
  slo: sloShape.optional(),
  budgets: budgets.optional(),
  gate: gateShape.optional(),
  claims: z.array(claimShape).optional(),
  http: httpShape.optional(),
});

/** `path: message` for each issue that zod found. */
export function faultsOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
}

/**
 * Checks everything that can be known without a database.
 *
 * @param file where the scenario came from, for messages
 * @throws UsageError that lists all faults
 */
export async function checkScenario(scenario: ScenarioSpec, file: string): Promise<void> {
  const parsed = shape.safeParse(scenario);
  const faults = parsed.success
    ? [
        ...nameFaults(scenario),
        ...httpFaults(scenario),
        ...isolationFaults(scenario),
        ...poolFaults(scenario),
        ...(await statementFaults(scenario)),
        ...(await topologyFaults(scenario)),
      ]
    : faultsOf(parsed.error);
  if (faults.length === 0) return;
  throw new UsageError(`The scenario ${file} is broken:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`, {
    hint: 'Correct the file; docs/scenarios.md shows how one is written.',
  });
}

function nameFaults({ workload, stages, claims = [] }: ScenarioSpec): string[] {
  const stageNames = stages.map((stage) => stage.name);
  const transactionNames = Object.keys(workload.transactions);
  const faults: string[] = [];
  const expectName = (known: readonly string[], name: string, path: string, kind: string) => {
    if (!known.includes(name)) faults.push(`${path}: there is no ${kind} ${name} (known: ${known.join(', ')})`);
  };
  for (const name of stageNames.filter((name, at) => stageNames.indexOf(name) !== at)) {
    faults.push(`stages: the name ${name} is taken twice`);
  }
  for (const { name, rewrites, answersDiffer } of stages) {
    for (const key of Object.keys(rewrites ?? {})) {
      expectName(transactionNames, key, `stages.${name}.rewrites`, 'transaction');
    }
    for (const key of Object.keys(answersDiffer ?? {})) {
      expectName(transactionNames, key, `stages.${name}.answersDiffer`, 'transaction');
    }
  }
  for (const [name, invariant] of Object.entries(workload.invariants ?? {})) {
    for (const key of invariant.stages ?? []) expectName(stageNames, key, `invariants.${name}.stages`, 'stage');
  }
  for (const [name, reading] of Object.entries(workload.readings ?? {})) {
    for (const key of reading.stages ?? []) expectName(stageNames, key, `readings.${name}.stages`, 'stage');
  }
  const { transactions, readings = {} } = workload;
  faults.push(
    ...claimFaults(claims, { stages: stageNames, transactions: Object.keys(transactions), readings }, 'claims'),
  );
  return faults;
}

function isolationFaults({ workload, stages }: ScenarioSpec): string[] {
  const bodies: [path: string, body: TransactionBody][] = [];
  for (const [name, body] of Object.entries(workload.transactions)) bodies.push([`transactions.${name}`, body]);
  for (const stage of stages) {
    for (const [name, body] of Object.entries(stage.rewrites ?? {}))
      bodies.push([`stages.${stage.name}.${name}`, body]);
  }
  return bodies
    .filter(([, { atomic, isolation }]) => isolation !== undefined && atomic !== true)
    .map(([path]) => `${path}.isolation: only an atomic transaction has a level of its own (set atomic: true)`);
}

function poolFaults({ stages }: ScenarioSpec): string[] {
  return stages
    .filter(({ connections: size, pool }) => size !== undefined && pool?.max !== undefined)
    .map(({ name }) => `stages.${name}: connections and pool.max say the same, give one of them`);
}

async function statementFaults({ workload, stages }: ScenarioSpec): Promise<string[]> {
  const texts: [path: string, sql: string][] = [];
  for (const [name, { statements }] of Object.entries(workload.transactions)) {
    for (const [key, sql] of Object.entries(statements)) texts.push([`transactions.${name}.${key}`, sql]);
  }
  for (const stage of stages) {
    for (const [name, { statements }] of Object.entries(stage.rewrites ?? {})) {
      for (const [key, sql] of Object.entries(statements)) texts.push([`stages.${stage.name}.${name}.${key}`, sql]);
    }
    for (const [name, { statements }] of Object.entries(stage.jobs ?? {})) {
      for (const [at, sql] of statements.entries()) texts.push([`stages.${stage.name}.jobs.${name}.${at}`, sql]);
    }
  }
  for (const [name, { sql }] of Object.entries(workload.invariants ?? {})) texts.push([`invariants.${name}`, sql]);
  for (const [name, { sql }] of Object.entries(workload.readings ?? {})) texts.push([`readings.${name}`, sql]);

  const faults: string[] = [];
  for (const [path, sql] of texts) {
    const fault = await checkStatement(sql);
    if (fault) faults.push(`${path}: ${fault.message}\n${fault.excerpt.replaceAll(/^/gm, '      ')}`);
  }
  return faults;
}
