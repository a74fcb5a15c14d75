/** Parameters as the load draws them, for what is carried out beside it. */
import { importScenario } from '../scenario-module.ts';
import { createCatalog } from '../seed/catalog.ts';
import { createDraw } from './draw.ts';

/** Apart from the blocks of the load and from the answers, so that parameters never depend on each other. */
const ownBlock = 900_001;
const setsBetweenTransactions = 100_000;
/** Draws in search of rare classes. */
const mostDraws = 5000;

/** Parameter sets of one transaction that are reported together. */
export interface ParameterGroup {
  /** Its number among the workload's, and its name. */
  transaction: number;
  name: string;
  class?: string;
  sets: unknown[];
}

/** What the parameters depend on, and nothing else. */
export interface ParameterOrder {
  /** Absolute path. */
  scenarioFile: string;
  seed: number;
  scale: number;
}

/**
 * The same sets for every stage. Draws until every class that occurs has as many, or has proved too rare for it.
 *
 * @param access only the transactions that read, or only those that write
 * @param setsPerClass sets of each transaction, or of each class of its parameters, at most
 */
export async function drawParameters(
  { scenarioFile, seed, scale }: ParameterOrder,
  access: 'read' | 'write',
  setsPerClass: number,
): Promise<ParameterGroup[]> {
  const { workload } = await importScenario(scenarioFile);
  const catalog = createCatalog(workload.seed, { seed, scale });
  const now = new Date(workload.seed.asOf);
  return Object.entries(workload.transactions).flatMap(([name, spec], transaction) => {
    if (spec.access !== access) return [];
    const groups = new Map<string | undefined, ParameterGroup>();
    for (let turn = 0; turn < (spec.classify ? mostDraws : setsPerClass); turn++) {
      const arrival = transaction * setsBetweenTransactions + turn;
      const params: unknown = spec.params(createDraw(catalog, { seed, block: ownBlock, arrival, now }));
      const label = spec.classify?.(params);
      const group = groups.get(label) ?? {
        transaction,
        name,
        sets: [],
        ...(label === undefined ? {} : { class: label }),
      };
      groups.set(label, group);
      if (group.sets.length < setsPerClass) group.sets.push(params);
    }
    return [...groups.values()].toSorted((a, b) => ((a.class ?? '') < (b.class ?? '') ? -1 : 1));
  });
}
