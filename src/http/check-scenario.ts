/** Checks a scenario that has a service, with a workload or without. */
import * as z from 'zod';
import { UsageError } from '../errors.ts';
import { checkScenario, faultsOf, gateShape, sloShape } from '../scenario-check.ts';
import type { ScenarioSpec } from '../scenario.ts';
import { httpFaults, httpShape } from './check.ts';
import type { HttpScenario } from './scenario.ts';

const text = z.string().min(1);
const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes');

const withoutWorkload = z.strictObject({
  name,
  title: text,
  description: text,
  http: httpShape,
  stages: z.array(z.strictObject({ name, description: text })).min(1, 'at least one stage is needed'),
  slo: sloShape.optional(),
  gate: gateShape.optional(),
});

/**
 * @param file where the scenario came from, for messages
 * @throws UsageError that lists all faults
 */
export async function checkHttpScenario(scenario: HttpScenario, file: string): Promise<void> {
  if (scenario.workload !== undefined) return checkScenario(scenario as ScenarioSpec, file);
  const parsed = withoutWorkload.safeParse(scenario);
  const faults = parsed.success ? httpFaults(scenario) : faultsOf(parsed.error);
  if (faults.length === 0) return;
  throw new UsageError(`The scenario ${file} is broken:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`, {
    hint: 'Correct the file; docs/http.md shows how one is written.',
  });
}
