/**
 * Nanoseconds a cell: every column generator with its encoding, and the encoding of every column type by itself; and nanoseconds
 * a row of every table of webhooks. One thread, vectors of the size that loading uses, compiled code (tinybench).
 */
import { Bench } from 'tinybench';
import { Batch, batchRows } from '../src/seed/batch.ts';
import { bindSeed, type BoundTable } from '../src/seed/bind.ts';
import { ByteWriter } from '../src/seed/byte-writer.ts';
import { fieldEncoder } from '../src/seed/encode-cell.ts';
import { RowEncoder } from '../src/seed/row-encoder.ts';
import type { BenchResult } from './main.ts';
import { columnOf, encodings, generators, microSeed, webhooksColumns, type TypeName } from './micro/cases.ts';
import { bindWebhooks } from './seed/side.ts';

/** The scale of webhooks: far more rows than are generated while one table is measured, so that caches are not flattered. */
const scale = 0.1;

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const bench = new Bench({ time: quick ? 50 : 300, warmupTime: quick ? 30 : 150 });
  const table = bindSeed(microSeed, { seed: 1, scale: 1 }).get('cells')!;
  for (const [name, { type }] of Object.entries(generators))
    bench.add(`${name}NsPerCell`, rowsOf(table, [columnOf(name, type)]));
  for (const [type, name] of Object.entries(encodings)) {
    bench.add(`encode ${type}NsPerCell`, encodingOf(table, name, type as TypeName));
  }
  const webhooks = await bindWebhooks({ seed: 1, scale });
  for (const [name, columns] of Object.entries(webhooksColumns)) {
    bench.add(`webhooks ${name}NsPerRow`, rowsOf(webhooks.get(name.replace(/ .*/, ''))!, columns));
  }
  await bench.run();
  return { ratios: {}, figures: Object.fromEntries(bench.tasks.map(({ name, result }) => [name, nsPerRow(result)])) };
}

function nsPerRow(result: object): number {
  if (!('latency' in result)) throw new Error('A task of the benchmark did not run.');
  const { latency } = result as { latency: { p50: number } };
  return Math.round((latency.p50 * 1e7) / batchRows) / 10;
}

/** Computes and encodes the next rows of the table, again from the first after the last. */
function rowsOf(table: BoundTable, columns: ConstructorParameters<typeof RowEncoder>[1]): () => void {
  const encoder = new RowEncoder(table, columns);
  const bytes = new ByteWriter(1024 * 1024);
  let row = 0;
  return () => {
    bytes.clear();
    if (row + batchRows > table.rows) row = 0;
    row = encoder.encode(row, row + batchRows, Infinity, bytes);
  };
}

/** Encodes the same cells, computed once. */
function encodingOf(table: BoundTable, name: string, type: TypeName): () => void {
  const encoder = fieldEncoder(table.cells(name), columnOf(name, type), false);
  encoder.load(new Batch(batchRows).consecutive(0, batchRows));
  const bytes = new ByteWriter(1024 * 1024);
  return () => {
    bytes.clear();
    for (let index = 0; index < batchRows; index++) encoder.write(index, bytes);
  };
}
