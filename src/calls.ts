/**
 * What a program calls, as opposed to what a scenario is written with. Every worker thread imports the scenario and with it the public surface, so what
 * does the work is loaded when it is called: with all of it the import took 270 ms, without 30.
 */
import type * as capacity from './capacity.ts';
import type * as config from './config.ts';
import type * as httpPlan from './http/plan.ts';
import type * as httpRun from './http/run.ts';
import type * as plan from './plan.ts';
import type * as probing from './probe.ts';
import type * as resultFile from './result-file.ts';
import type * as running from './run.ts';

/** Gives `pgrehearse.config.ts` its type. */
export function defineConfig(given: config.Config): config.Config {
  return given;
}

/**
 * Reads the config file and the environment (PGREHEARSE_SERVER, PGREHEARSE_CACHE, PGREHEARSE_CACHE_LIMIT, PGREHEARSE_OUT): of the folder, or the file
 * that is named.
 *
 * @throws UsageError with all faults of the file, or of the environment
 */
export const loadConfig: typeof config.loadConfig = async (...given) =>
  (await import('./config.ts')).loadConfig(...given);

/**
 * Finds the scenario and checks it, its migrations, profiles, folders, disk and port.
 *
 * @throws UsageError or EnvironmentError that tells all faults at once
 */
export const planRun: typeof plan.planRun = async (...given) => (await import('./plan.ts')).planRun(...given);

/**
 * Carries out a planned run. The result is written to the plan's folder after every part.
 *
 * @returns the result, with verdict, also when the signal interrupted the run (status `interrupted`)
 * @throws PgrehearseError when the run cannot go on; what is finished is in result.json with status `failed`
 */
export const run: typeof running.run = async (...given) => (await import('./run.ts')).run(...given);

/**
 * Seeds the scenario's baseline into the cache, or finds it there.
 *
 * @returns what was seeded, with the times of the run that did it
 */
export const seedSnapshot: typeof running.seedSnapshot = async (...given) =>
  (await import('./run.ts')).seedSnapshot(...given);

/**
 * Searches the capacity of every stage of the plan. `load.ratePerSecond` is where the search begins and what headroom is counted over;
 * `load.durationMs` and `load.warmupMs` are those of each step.
 *
 * @returns the result, with verdict: does the last stage hold the rate of the load? Also when the signal interrupted the search.
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export const measureCapacity: typeof capacity.measureCapacity = async (...given) =>
  (await import('./capacity.ts')).measureCapacity(...given);

/**
 * Times the read transactions of every stage of the plan, one at a time. There is no verdict: nothing is promised of a single query.
 *
 * @returns the result, also when the signal interrupted the probe (status `interrupted`)
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export const probe: typeof probing.probe = async (...given) => (await import('./probe.ts')).probe(...given);

/**
 * Finds the scenario and checks it, its services and, where it has a workload and services that we start, all that `planRun` would check.
 *
 * @throws UsageError or EnvironmentError that tells all faults at once
 */
export const planHttp: typeof httpPlan.planHttp = async (...given) =>
  (await import('./http/plan.ts')).planHttp(...given);

/**
 * Carries out a planned load of requests. The result is written to the plan's folder after every stage.
 *
 * @returns the result, with verdict, also when the signal interrupted the run (status `interrupted`)
 * @throws PgrehearseError when the run cannot go on, as when a service dies; finished stages are in result.json with status `failed`
 */
export const runHttp: typeof httpRun.runHttp = async (...given) => (await import('./http/run.ts')).runHttp(...given);

/**
 * Reads a result: the path of a file, or of the folder of a run.
 *
 * @throws UsageError when there is none, or it is none of ours
 */
export const readResult: typeof resultFile.readResult = async (...given) =>
  (await import('./result-file.ts')).readResult(...given);

/**
 * Writes result.json into the folder, which is created if needed, so that a reader finds the old result or the new one, never half of one. Calls
 * for one folder must follow each other.
 *
 * @throws EnvironmentError when the folder cannot be written
 */
export const writeResult: typeof resultFile.writeResult = async (...given) =>
  (await import('./result-file.ts')).writeResult(...given);
