/** A scenario seen as a service: its requests, what each stage starts, and how parameters are drawn. */
import { createDraw } from '../load/draw.ts';
import type { Catalog } from '../load/draw.ts';
import { UsageError } from '../errors.ts';
import { importScenario } from '../scenario-module.ts';
import type { Draw, WorkloadSpec } from '../scenario.ts';
import { createCatalog } from '../seed/catalog.ts';
import type { HttpScenarioSpec, HttpSpec, ServiceSpec } from './spec.ts';

/** What both kinds of scenario have in common. */
export interface HttpScenario extends HttpScenarioSpec {
  /** Rows that requests are drawn from, and the database of a service that we start. */
  workload?: WorkloadSpec;
}

/**
 * Imports a scenario that has a service.
 *
 * @param file absolute path
 * @throws UsageError when the file cannot be imported or its scenario has no `http`
 */
export async function importHttpScenario(file: string): Promise<HttpScenario> {
  const { http, ...scenario } = await importScenario(file);
  if (http !== undefined) return { ...scenario, http };
  throw new UsageError(`The scenario ${file} has no service.`, {
    hint: 'Give it a part `http`: docs/http.md shows how one is written.',
  });
}

/** The service of one stage: its own parts before the common ones. */
export function serviceOf({ service, stages = {} }: HttpSpec, stage: string): ServiceSpec {
  return merged(service, stages[stage] ?? {});
}

/** A stage with a url of its own does not start the common command. */
function merged(common: ServiceSpec, own: ServiceSpec): ServiceSpec {
  const { readyPath = common.readyPath, readyWithinMs = common.readyWithinMs } = own;
  const isElsewhere = own.command !== undefined || own.url !== undefined;
  const { command, url } = isElsewhere ? own : common;
  return {
    ...(command === undefined ? {} : { command }),
    ...(url === undefined ? {} : { url }),
    env: { ...common.env, ...own.env },
    beside: { ...common.beside, ...own.beside },
    ...(readyPath === undefined ? {} : { readyPath }),
    ...(readyWithinMs === undefined ? {} : { readyWithinMs }),
  };
}

/** The scenario with its variants as stages among the others: before the last one, each with the database of the stage that it is like. */
export function withVariants<S extends Pick<HttpScenario, 'stages'> & { http?: HttpSpec }>(scenario: S): S {
  if (scenario.http?.variants === undefined) return scenario;
  const { variants, ...http } = scenario.http;
  const { stages } = scenario;
  const further = Object.entries(variants).map(([name, { like, description }]) => {
    return { ...stages.find((stage) => stage.name === like)!, name, description };
  });
  const services = Object.entries(variants).map(([name, { like, answersDiffer, ...own }]) => {
    const model = http.stages?.[like] ?? {};
    return [name, { ...merged(model, own), answersDiffer: { ...model.answersDiffer, ...answersDiffer } }];
  });
  return {
    ...scenario,
    stages: [...stages.slice(0, -1), ...further, ...stages.slice(-1)],
    http: { ...http, stages: { ...http.stages, ...Object.fromEntries(services) } },
  };
}

/** "Now" of draws without a seed, which would have one: any instant does that is the same for every stage. */
const asOfWithoutSeed = '2026-01-01T00:00:00Z';

/** Draws for a scenario: `rows` and `cell` ask its seed. */
export interface Drawer {
  /** @param dueMs from the start of the block */
  draw(block: number, arrival: number, dueMs: number): Draw;
}

/** @throws UsageError when the definition of the seed has faults */
export function drawerOf({ workload }: HttpScenario, { seed, scale }: { seed: number; scale: number }): Drawer {
  const catalog: Catalog = workload === undefined ? noRows : createCatalog(workload.seed, { seed, scale });
  const asOfMs = Date.parse(workload?.seed.asOf ?? asOfWithoutSeed);
  return {
    draw: (block, arrival, dueMs) => createDraw(catalog, { seed, block, arrival, now: new Date(asOfMs + dueMs) }),
  };
}

const noRows: Catalog = { rows: refuse, cell: refuse };

function refuse(table: string): never {
  throw new UsageError(`There is no table ${table}: the scenario has no workload with a seed.`, {
    hint: 'Draw numbers and ids instead, or use defineScenario with a workload.',
  });
}
