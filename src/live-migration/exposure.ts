/** How large the table of a warning is, and how much of the traffic needs it: what a rule that knows texts only cannot say. */
import type { Migration } from '../migrate.ts';
import type { RunPlan } from '../plan.ts';
import { planTransactions } from '../load/executor.ts';
import { splitStatements } from '../sql.ts';
import type { Exposure, Finding } from './record.ts';
import { fileIn } from './place.ts';
import { relationsIn } from './tables.ts';

/** Share of the arrivals whose transactions name a table, by table. */
type Traffic = ReadonlyMap<string, number>;

/** The findings with what their statements put at stake: of several tables of a statement, the one that most of the traffic needs. */
export async function withExposure(
  findings: readonly Finding[],
  migrations: readonly Migration[],
  plan: Pick<RunPlan, 'scenario' | 'stages' | 'offered' | 'catalog' | 'folder'>,
): Promise<Finding[]> {
  const traffic = await trafficOf(plan);
  const seeded = new Set(plan.catalog.tables());
  const exposureOf = (table: string): Exposure => ({
    table,
    share: traffic.get(table) ?? 0,
    ...(seeded.has(table) ? { rows: plan.catalog.rows(table) } : {}),
  });
  return findings.map((finding) => {
    const statements = migrations.find(({ up }) => fileIn(plan.folder, up.path) === finding.file)?.up.statements ?? [];
    const named = statements.filter(({ line }) => line === finding.line).flatMap(({ node }) => relationsIn(node));
    const known = named.filter((name) => seeded.has(name) || traffic.has(name)).map(exposureOf);
    const most = known.toSorted((a, b) => b.share - a.share || (b.rows ?? 0) - (a.rows ?? 0))[0];
    return most === undefined ? finding : { ...finding, exposure: most };
  });
}

/** Of the statements that run when the migration begins. */
async function trafficOf({
  scenario,
  stages,
  offered,
}: Pick<RunPlan, 'scenario' | 'stages' | 'offered'>): Promise<Traffic> {
  const all = offered.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map<string, number>();
  for (const { name, body } of planTransactions(scenario, stages[0]!.spec)) {
    const weight = offered.find((one) => one.name === name)?.weight ?? 0;
    for (const table of await tablesOf(Object.values(body.statements))) {
      shares.set(table, (shares.get(table) ?? 0) + weight / all);
    }
  }
  return shares;
}

/** Each once; what the parser does not take (another dialect of a newer server) names none. */
async function tablesOf(texts: readonly string[]): Promise<Set<string>> {
  const parsed = await Promise.all(texts.map((text) => splitStatements(text).catch(() => [])));
  return new Set(parsed.flat().flatMap(({ node }) => relationsIn(node)));
}
