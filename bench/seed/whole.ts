/**
 * All of webhooks: generated and loaded by pgrehearse, with indexes, constraints and statistics; and by psql, one ready text
 * file after the other, then the same indexes and constraints one statement after the other, then ANALYZE. psql does so twice: on the
 * server that pgrehearse loads into, and on one with PostgreSQL's own settings.
 */
import type { Client } from 'pg';
import { loadSeed, type SeedReport } from '../../src/seed/load.ts';
import type { TargetTable } from '../../src/seed/inspect.ts';
import { median } from '../../src/stats/median.ts';
import {
  commentStatements,
  dropStatements,
  foreignKeyBuilds,
  indexBuilds,
  keyStatements,
  readSchemaObjects,
  type SchemaObjects,
} from '../../src/seed/schema-objects.ts';
import type { ConnectionTarget } from '../../src/server/server.ts';
import type { BenchResult } from '../main.ts';
import type { Psql } from './psql.ts';
import { columnList, costOf, removeFiles, rowsFile, scenarioFile, withTables, type Bench, type Cost } from './side.ts';

/** One turn of either side. */
interface Turn extends Cost {
  copyMs: number;
}

export async function compareWhole(bench: Bench): Promise<BenchResult> {
  const [ours, theirs, ordinary]: [Turn[], Turn[], Turn[]] = [[], [], []];
  let rows = 0;
  for (let turn = 0; turn < bench.turns; turn++) {
    const { report, cost } = await ourTurn(bench, turn === 0);
    rows = report.rows;
    ours.push({ ...cost, copyMs: report.copyMs });
    if (bench.psql === undefined) continue;
    theirs.push(await psqlTurn(bench, bench.psql));
    ordinary.push(await psqlTurn({ ...bench, server: bench.ordinary }, bench.psql));
  }
  await removeFiles(bench, await withTables(bench, async ({ targets }) => targets));
  const figures = {
    wholeRows: rows,
    ...sideFigures('pgrehearse', ours),
    ...sideFigures('psql', theirs),
    ...sideFigures('ordinaryPsql', ordinary),
  };
  if (theirs.length === 0) return { ratios: {}, figures };
  const ratio = (turns: readonly Turn[]): number => medianOf(turns, 'ms') / medianOf(ours, 'ms');
  return { figures, ratios: { wholeAgainstPsql: ratio(theirs), wholeAgainstPsqlOrdinarySettings: ratio(ordinary) } };
}

/** The first turn also writes the files that psql will read. */
async function ourTurn(bench: Bench, isFirst: boolean): Promise<{ cost: Cost; report: SeedReport }> {
  return withTables(bench, async ({ connection, targets }) => {
    const { result, cost } = await costOf(bench, () => loadSeed({ ...bench.choice, scenarioFile, connection }));
    if (isFirst && bench.psql !== undefined) {
      for (const target of targets) {
        const file = rowsFile(bench, target);
        await bench.psql(connection, `\\copy ${target.sqlName} (${columnList(target)}) to '${file}'`);
      }
    }
    return { cost, report: result };
  });
}

async function psqlTurn(bench: Bench, psql: Psql): Promise<Turn> {
  return withTables(bench, async ({ connection, client, targets }) => {
    const objects = await readSchemaObjects(
      client,
      targets.map(({ oid }) => oid),
    );
    await client.query(dropStatements(objects).join(';\n'));
    const { result: copyMs, cost } = await costOf(bench, async () => {
      const startedMs = performance.now();
      await copyFiles(bench, psql, connection, targets);
      const copiedMs = performance.now();
      await buildOneByOne(client, objects);
      return copiedMs - startedMs;
    });
    return { ...cost, copyMs };
  });
}

async function copyFiles(
  bench: Bench,
  psql: Psql,
  connection: ConnectionTarget,
  targets: readonly TargetTable[],
): Promise<void> {
  for (const target of targets) {
    await psql(connection, `\\copy ${target.sqlName} (${columnList(target)}) from '${rowsFile(bench, target)}'`);
  }
}

async function buildOneByOne(client: Client, objects: SchemaObjects): Promise<void> {
  const statements = [
    ...indexBuilds(objects).map(({ statement }) => statement),
    ...keyStatements(objects),
    ...foreignKeyBuilds(objects).flatMap(({ add, validate }) => (validate === undefined ? [add] : [add, validate])),
    ...commentStatements(objects),
    'ANALYZE',
  ];
  for (const statement of statements) await client.query(statement);
}

function medianOf(turns: readonly Turn[], figure: keyof Turn): number {
  return median(turns.map((turn) => turn[figure]));
}

function sideFigures(side: string, turns: readonly Turn[]): Record<string, number> {
  if (turns.length === 0) return {};
  return {
    [`${side}WholeSeconds`]: medianOf(turns, 'ms') / 1000,
    [`${side}CopySeconds`]: medianOf(turns, 'copyMs') / 1000,
    [`${side}MachineBusyCores`]: medianOf(turns, 'busyCores'),
    [`${side}HarnessCpuSeconds`]: medianOf(turns, 'harnessCpuSeconds'),
    [`${side}ServerCpuSeconds`]: medianOf(turns, 'serverCpuSeconds'),
  };
}
