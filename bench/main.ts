/**
 * `npm run bench -- <name> [--quick] [--scale <factor>] [--out <dir>] [--json]`: measurements told as ratios against something measured in the same run.
 *
 * Each bench/<name>.ts exports `run`; figures of shared machines drift, ratios within one run hold.
 */
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeHost } from '../src/server/host.ts';

/** What a benchmark finds: figures with their unit in the name, and ratios of figures of the same run. */
export interface BenchResult {
  ratios: Record<string, number>;
  figures: Record<string, number>;
  /** The same for people, where a list would be too long: printed in its place. */
  markdown?: string;
}

export interface BenchOptions {
  quick: boolean;
  /** Of the data, where the benchmark has any; default: the benchmark's own. */
  scale: number | undefined;
  /** Where results of pgrehearse stay, of the benchmarks that make some; default: nowhere. */
  out: string | undefined;
}

export interface Benchmark {
  run(options: BenchOptions): Promise<BenchResult>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    scale: { type: 'string' },
    out: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const known = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3));
const [name] = positionals;
if (positionals.length !== 1 || name === undefined || !known.includes(name)) {
  console.error(`Give one of these benchmarks: ${known.join(', ')}.`);
  process.exit(2);
}

const scale = values.scale === undefined ? undefined : Number(values.scale);
if (scale !== undefined && !(scale > 0)) {
  console.error('--scale must be a number above 0.');
  process.exit(2);
}
const benchmark = (await import(`./${name}.ts`)) as Benchmark;
const { ratios, figures, markdown } = await benchmark.run({
  quick: values.quick,
  scale,
  out: values.out && resolve(values.out),
});
const host = describeHost();
if (values.json) {
  console.log(JSON.stringify({ name, host, ratios, figures }));
} else {
  console.log(`${name} on ${host.cores} cores (${host.cpuModel}), Node ${process.version}`);
  if (markdown !== undefined) console.log(`\n${markdown}\n`);
  for (const [figure, value] of Object.entries(markdown === undefined ? figures : {}))
    console.log(`  ${figure.padEnd(44)} ${value.toLocaleString('en-GB')}`);
  for (const [ratio, value] of Object.entries(ratios)) {
    // Close to one the thousandths count.
    console.log(`  ${ratio.padEnd(44)} ${value.toFixed(Math.abs(value - 1) < 0.1 ? 3 : 2)} x`);
  }
}
process.exit();
