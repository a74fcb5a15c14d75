/** What two runs must have in common before their figures may be laid beside each other. */
import { createHash } from 'node:crypto';
import { describePool, describeShape, formatBytes, formatMs, formatRate } from './report/format.ts';
import type { RunResult } from './result.ts';

/** One of the conditions under which a run measured, for people: { name: 'scale', value: '0.1' }. */
export interface Condition {
  name: string;
  value: string;
}

/** Conditions that shape every figure. Two runs whose values differ in any of them measured different things. */
export function conditionsOf({ scenario, stages, seed, load, slo, server, host }: RunResult): Condition[] {
  return [
    { name: 'scenario', value: scenario.name },
    { name: 'transactions', value: mixOf(scenario, stages) },
    { name: 'seed', value: seed === undefined ? 'not recorded' : String(seed.seed) },
    { name: 'scale', value: seed === undefined ? 'not recorded' : String(seed.scale) },
    { name: 'load', value: loadOf(load) },
    { name: 'SLO', value: `p${slo.percentile} below ${formatMs(slo.limitMs)}` },
    { name: 'PostgreSQL', value: String(server.major) },
    { name: 'CPU', value: `${host.cores} x ${host.cpuModel} (${host.arch})` },
    { name: 'memory', value: memoryOf(host) },
  ];
}

/** What the result is of, where it is no complete run under load; undefined where it is. */
export function otherThanRun(result: RunResult): string | undefined {
  if (result.capacity !== undefined) return 'a search for capacity';
  if (result.probe !== undefined) return 'a probe without load';
  if (result.calibration !== undefined) return 'a calibration';
  if (result.tuning !== undefined) return 'a tuning';
  if (result.liveMigration !== undefined) return 'a rehearsal of a live migration';
  return result.status === 'complete' ? undefined : `a run that is ${result.status}, not complete`;
}

/** Names and weights make the mix; a digest stands for them. */
function mixOf({ transactions }: RunResult['scenario'], stages: RunResult['stages']): string {
  const what = stages.some(({ service }) => service !== undefined) ? ' requests' : '';
  const mix = transactions.map(({ name, weight }) => [name, weight]);
  const digest = createHash('sha256').update(JSON.stringify(mix)).digest('hex').slice(0, 6);
  return `mix of ${transactions.length}${what} (${digest})`;
}

function loadOf(load: RunResult['load']): string {
  const {
    ratePerSecond,
    arrivals,
    durationMs,
    warmupMs,
    connections,
    statementTimeoutMs,
    prepared = true,
    keepCoresAwake = false,
    shape,
    pool,
  } = load;
  return (
    `${formatRate(ratePerSecond)} ${arrivals} for ${formatMs(durationMs)} after ${formatMs(warmupMs)}, ` +
    `${connections} connections, timeout ${formatMs(statementTimeoutMs)}${prepared ? '' : ', not prepared'}${keepCoresAwake ? ', idle cores kept awake' : ''}` +
    (shape === undefined ? '' : `, shape ${describeShape(shape)}`) +
    (pool === undefined ? '' : `, ${describePool(pool)}`)
  );
}

/** Three digits, as people write it: the last bytes differ from one start of a virtual machine to the next. */
function memoryOf({ memoryBytes, memoryLimitBytes }: RunResult['host']): string {
  return formatBytes(Math.min(memoryBytes, memoryLimitBytes ?? Infinity));
}
