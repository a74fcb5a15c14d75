/** webhooks.delivery_attempts without indexes: generated and loaded over one stream, and by `psql \copy` from a ready text file. */
import type { Client } from 'pg';
import type { BoundTable } from '../../src/seed/bind.ts';
import { ByteWriter } from '../../src/seed/byte-writer.ts';
import { CopyPool } from '../../src/seed/copy-pool.ts';
import type { TargetTable } from '../../src/seed/inspect.ts';
import { ProgressTeller } from '../../src/seed/progress.ts';
import { RowEncoder } from '../../src/seed/row-encoder.ts';
import { dropStatements, readSchemaObjects } from '../../src/seed/schema-objects.ts';
import type { BenchResult } from '../main.ts';
import { wideColumns } from '../micro/cases.ts';
import { median } from '../../src/stats/median.ts';
import { columnList, fileBytes, removeFiles, rowsFile, scenarioFile, withTables, type Bench } from './side.ts';

const tableName = 'delivery_attempts';

export async function compareOneTable(bench: Bench, variant: 'eight' | 'all'): Promise<BenchResult> {
  return withTables(bench, async ({ connection, client, targets }) => {
    const target = await narrow(
      client,
      targets.find(({ name }) => name === tableName)!,
      variant === 'eight' ? wideColumns : [],
    );
    const table = bench.seed.get(tableName)!;
    const file = rowsFile(bench, target);
    const copy = `${target.sqlName} (${columnList(target)})`;
    const [ours, theirs]: [number[], number[]] = [[], []];
    let copyBytes = 0;
    for (let turn = 0; turn < bench.turns; turn++) {
      await using pool = new CopyPool({ ...bench.choice, scenarioFile, connection }, 1);
      const [loaded] = await pool.copy([target], new ProgressTeller(new Map(), undefined));
      ours.push((loaded!.rows / loaded!.copyMs) * 1000);
      copyBytes = loaded!.copyBytes;
      if (bench.psql === undefined) continue;
      if (turn === 0) await bench.psql(connection, `\\copy ${copy} to '${file}'`);
      await client.query(`TRUNCATE ${target.sqlName}`);
      const startedMs = performance.now();
      await bench.psql(connection, `\\copy ${copy} from '${file}'`);
      theirs.push((table.rows / (performance.now() - startedMs)) * 1000);
    }
    const generator = generatorNsPerRow(table, target);
    const psqlBytes = bench.psql === undefined ? 0 : await fileBytes(file);
    await removeFiles(bench, [target]);
    return summary(table.rows, { ours, theirs, copyBytes, psqlBytes, generator }, `${target.columns.length}Columns`);
  });
}

/** Takes away everything that stands on the table, and some columns. */
async function narrow(client: Client, target: TargetTable, without: readonly string[]): Promise<TargetTable> {
  const objects = await readSchemaObjects(client, [target.oid]);
  await client.query([...dropStatements(objects), 'SELECT 1'].join(';\n'));
  for (const column of without) await client.query(`ALTER TABLE ${target.sqlName} DROP COLUMN ${column}`);
  return { ...target, columns: target.columns.filter(({ column }) => !without.includes(column)) };
}

interface Measured {
  ours: number[];
  theirs: number[];
  copyBytes: number;
  psqlBytes: number;
  generator: number;
}

function summary(
  rows: number,
  { ours, theirs, copyBytes, psqlBytes, generator }: Measured,
  variant: string,
): BenchResult {
  const rate = median(ours);
  const figures: Record<string, number> = {
    [`${variant}Rows`]: rows,
    [`${variant}PgrehearseRowsPerSecond`]: Math.round(rate),
    [`${variant}PgrehearseMegabytesPerSecond`]: Math.round(((copyBytes / rows) * rate) / 1e6),
    [`${variant}GeneratorNsPerRow`]: Math.round(generator),
  };
  if (theirs.length === 0) return { ratios: {}, figures };
  const psqlRate = median(theirs);
  figures[`${variant}PsqlRowsPerSecond`] = Math.round(psqlRate);
  figures[`${variant}PsqlMegabytesPerSecond`] = Math.round(((psqlBytes / rows) * psqlRate) / 1e6);
  return { figures, ratios: { [`${variant}AgainstPsql`]: rate / psqlRate } };
}

/** The generators and the encoder alone, on this thread: the median of five passes after a first. */
function generatorNsPerRow(table: BoundTable, target: TargetTable): number {
  const encoder = new RowEncoder(table, target.columns);
  const bytes = new ByteWriter(512 * 1024);
  const rows = Math.min(table.rows, 1_000_000);
  const pass = (): number => {
    const startedMs = performance.now();
    for (let row = 0; row < rows; row = encoder.encode(row, rows, 256 * 1024, bytes)) bytes.clear();
    return ((performance.now() - startedMs) * 1e6) / rows;
  };
  pass();
  return median([pass(), pass(), pass(), pass(), pass()]);
}
