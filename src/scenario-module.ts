/** Imports a scenario file: on the main thread, and again in every worker thread. */
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import { messageOf, UsageError } from './errors.ts';
import type { ScenarioSpec } from './scenario.ts';

/**
 * Imports the scenario that a file exports as default (or as `scenario`).
 *
 * Node strips the types of `.ts` files itself; jiti steps in for what that cannot do (enums, imports without extension).
 *
 * @param file absolute path
 * @throws UsageError when the file cannot be imported or exports no scenario
 */
export async function importScenario(file: string): Promise<ScenarioSpec> {
  const jiti = createJiti(import.meta.url, { tryNative: true });
  let module: { default?: unknown; scenario?: unknown };
  try {
    module = await jiti.import(pathToFileURL(file).href);
  } catch (error) {
    throw new UsageError(`The scenario file ${file} cannot be loaded: ${messageOf(error)}`, {
      hint: 'Correct the file; run it with `node <file>` to see where it fails.',
      cause: error,
    });
  }
  const scenario = module.default ?? module.scenario;
  if (typeof scenario !== 'object' || scenario === null) {
    throw new UsageError(`The scenario file ${file} exports no scenario.`, {
      hint: 'Write `export default defineScenario({ ... })`.',
    });
  }
  return scenario as ScenarioSpec;
}
