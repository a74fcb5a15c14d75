import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EnvironmentError, UsageError } from '../../src/errors.ts';
import { summarise } from '../../src/load/recorder.ts';
import type { BlockRecord } from '../../src/load/recorder.ts';
import { readSamples, writeSamples } from '../../src/load/samples-file.ts';
import { columnNames, createSamples, Fate, LabelTable, never } from '../../src/load/samples.ts';
import type { Samples } from '../../src/load/samples.ts';

interface Arrival {
  dueUs: number;
  sentUs?: number;
  firstByteUs?: number;
  endUs?: number;
  fate?: Fate;
  transaction?: number;
  error?: number;
  class?: number;
  latenessUs?: number;
  retries?: number;
}

function samplesOf(arrivals: readonly Arrival[]): Samples {
  const samples = createSamples({
    dueUs: Float64Array.from(arrivals, ({ dueUs }) => dueUs),
    transaction: Uint16Array.from(arrivals, ({ transaction = 0 }) => transaction),
  });
  arrivals.forEach(({ sentUs = 0, endUs = 1000, fate = Fate.succeeded, ...rest }, number) => {
    samples.sentUs[number] = sentUs;
    samples.firstByteUs[number] = rest.firstByteUs ?? never;
    samples.endUs[number] = endUs;
    samples.fate[number] = fate;
    samples.error[number] = rest.error ?? 0;
    samples.class[number] = rest.class ?? 0;
    samples.latenessUs[number] = rest.latenessUs ?? 0;
    samples.retries[number] = rest.retries ?? 0;
  });
  return samples;
}

const record = (changes: Partial<BlockRecord> = {}): BlockRecord => ({
  id: 'b1',
  stage: 'before',
  startedAt: '2026-11-01T00:00:00.000Z',
  ratePerSecond: 2,
  plannedMs: 3000,
  warmupMs: 1000,
  stopMs: 4000,
  outcome: 'complete',
  transactions: [
    { name: 'read', access: 'read' },
    { name: 'write', access: 'write' },
  ],
  errors: [
    { code: '40001', example: 'could not serialize' },
    { code: '57014', example: 'canceled' },
  ],
  classes: ['hot', 'rest'],
  cpuCores: 0.1,
  eventLoopDelayP99Us: 900,
  precedence: { realTime: true },
  workers: 1,
  ...changes,
});

const slo = { percentile: 95, limitMs: 50 };

// One arrival in the warm-up, six counted, one that was never offered.
const example: Arrival[] = [
  { dueUs: 500_000, endUs: 900_000, latenessUs: 9999 },
  { dueUs: 1_100_000, sentUs: 200, endUs: 1200, class: 1, latenessUs: 20 },
  { dueUs: 1_600_000, sentUs: 300, endUs: 50_001, class: 2, latenessUs: 30 },
  { dueUs: 2_100_000, sentUs: 100, endUs: 2100, fate: Fate.failed, error: 1, transaction: 1 },
  { dueUs: 2_600_000, sentUs: 0, endUs: 300_000, fate: Fate.timedOut, error: 2, class: 2 },
  { dueUs: 3_100_000, sentUs: never, endUs: 800_000, fate: Fate.unfinished, transaction: 1 },
  { dueUs: 3_600_000, sentUs: 10, endUs: 50_000, class: 1 },
  { dueUs: 4_100_000, endUs: 0, fate: Fate.notOffered },
];

describe('summarise', () => {
  const block = summarise(record(), samplesOf(example), slo, 'samples/b1.bin');

  it('counts every arrival that was due after the warm-up and offered, once', () => {
    expect(block.counts).toEqual({ scheduled: 6, succeeded: 3, failed: 1, timedOut: 1, unfinished: 1 });
    expect(block.total.response.count).toBe(6);
    expect(block.measuredMs).toBe(3000);
  });

  it('counts slow, failed, timed out and unfinished arrivals as misses; the limit itself is met', () => {
    expect(block.missed).toBe(4);
    expect(block.timeline.map(({ missed }) => missed)).toEqual([1, 2, 1]);
  });

  it('splits the response into wait and service; what was never sent has only waited', () => {
    expect(block.total.response.maxUs).toBe(800_000);
    expect(block.total.service).toMatchObject({ count: 5, minUs: 1000, maxUs: 300_000 });
    expect(block.total.wait).toMatchObject({ count: 6, minUs: 0, maxUs: 800_000 });
  });

  it('tells how long the first byte took, of those that were answered at all', () => {
    const answered = { ...example[1]!, firstByteUs: 900 };
    const { total } = summarise(record(), samplesOf([...example, answered]), slo, '');
    expect(total.firstByte).toMatchObject({ count: 1, minUs: 700, maxUs: 700 });
    expect(block.total).not.toHaveProperty('firstByte');
  });

  it('gives the figures of each transaction with its errors and classes', () => {
    const [read, write] = block.transactions;
    expect(read).toMatchObject({
      name: 'read',
      access: 'read',
      missed: 2,
      errors: { 57014: { count: 1, example: 'canceled' } },
    });
    expect(read!.counts).toEqual({ scheduled: 4, succeeded: 3, failed: 0, timedOut: 1, unfinished: 0 });
    expect(read!.classes).toMatchObject({ hot: { count: 2, missed: 0 }, rest: { count: 2, missed: 2 } });
    expect(write!.errors).toEqual({ 40001: { count: 1, example: 'could not serialize' } });
    expect(write!.classes).toEqual({});
    expect(write!.response.count).toBe(2);
  });

  it('adds up the repetitions of each transaction, those of the warm-up left out', () => {
    const arrivals = [
      { dueUs: 500_000, retries: 7 },
      { dueUs: 1_500_000, retries: 2 },
      { dueUs: 1_600_000, retries: 1, fate: Fate.failed, error: 1 },
      { dueUs: 1_700_000, transaction: 1 },
    ];
    const { transactions } = summarise(
      record({ warmupMs: 1000, stopMs: 2000 }),
      samplesOf(arrivals),
      { percentile: 95, limitMs: 50 },
      'x.bin',
    );
    expect(transactions.map(({ retries }) => retries)).toEqual([3, 0]);
  });

  it('draws a timeline by intended start, with what completed in each second', () => {
    expect(
      block.timeline.map(({ offsetMs, scheduled, completed, failed }) => [offsetMs, scheduled, completed, failed]),
    ).toEqual([
      [0, 2, 3, 0], // the arrival of the warm-up ended at 1.4 s
      [1000, 2, 2, 2],
      [2000, 2, 1, 1],
    ]);
    expect(block.timeline[0]).toMatchObject({ p50Us: 1200, p95Us: 50_001, maxUs: 50_001 });
  });

  it('finds the longest time without a completion, ends of the block included', () => {
    // Completions at 1.1012, 1.4, 1.650001, 2.1021, 2.9, 3.65 s; the block is counted from 1 to 4 s.
    expect(block.longestGapMs).toBeCloseTo(797.9, 3);
    expect(summarise(record(), samplesOf([]), slo, '').longestGapMs).toBe(3000);
  });

  it('keeps the lateness of the generator apart from the warm-up and from the server', () => {
    expect(block.generator).toMatchObject({ cpuCores: 0.1, eventLoopDelayP99Us: 900, workers: 1, realTime: true });
    expect(block.generator.lateness).toMatchObject({ count: 6, maxUs: 30 });
  });

  it('tells the rate that a saturated stage held: successes a second of the counted time', () => {
    const saturated = summarise(
      record({ outcome: 'saturated', stopMs: 3000, saturation: { atMs: 2900, backlog: 7 } }),
      samplesOf(example),
      slo,
      '',
    );
    // Ends between 1 and 3 s that succeeded: the warm-up's arrival, the first and the second counted one.
    expect(saturated.saturation).toEqual({ atMs: 2900, backlog: 7, heldPerSecond: 1.5 });
    expect(saturated.measuredMs).toBe(2000);
  });

  it('has ordered percentiles and conserved counts, whatever the samples', () => {
    const arrival = fc.record({
      dueUs: fc.nat(4_000_000),
      sentUs: fc.oneof(fc.constant(never), fc.nat(10_000)),
      endUs: fc.integer({ min: 10_000, max: 10_000_000 }),
      fate: fc.constantFrom(...Object.values(Fate)),
      transaction: fc.nat(1),
      error: fc.nat(2),
      class: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 60 }), (arrivals) => {
        const sorted = arrivals.toSorted((a, b) => a.dueUs - b.dueUs);
        const figures = summarise(record(), samplesOf(sorted), slo, '');
        const { scheduled, succeeded, failed, timedOut, unfinished } = figures.counts;
        expect(succeeded + failed + timedOut + unfinished).toBe(scheduled);
        expect(figures.transactions.reduce((sum, { counts }) => sum + counts.scheduled, 0)).toBe(scheduled);
        expect(figures.transactions.reduce((sum, { missed }) => sum + missed, 0)).toBe(figures.missed);
        expect(figures.timeline.reduce((sum, { missed }) => sum + missed, 0)).toBe(figures.missed);
        expect(figures.timeline.reduce((sum, bucket) => sum + bucket.scheduled, 0)).toBe(scheduled);
        const { minUs, p50Us, p95Us, p99Us, maxUs } = figures.total.response;
        expect([minUs, p50Us, p95Us, p99Us, maxUs]).toEqual(
          [minUs, p50Us, p95Us, p99Us, maxUs].toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

describe('the file of raw samples', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgrehearse-samples-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gives back every column, so that every figure can be recomputed from it', async () => {
    const path = join(folder, 'b1.bin');
    const samples = samplesOf(example);
    await writeSamples(path, record(), samples);
    const again = await readSamples(path);
    for (const name of columnNames) expect([...again.samples[name]], name).toEqual([...samples[name]]);
    expect(summarise(again.block, again.samples, slo, 'b1')).toEqual(summarise(record(), samples, slo, 'b1'));
  });

  it('can be read without this package: one line of JSON, then aligned little-endian columns', async () => {
    const path = join(folder, 'plain.bin');
    await writeSamples(path, record(), samplesOf(example));
    const bytes = await readFile(path);
    const dataStart = bytes.indexOf('\n') + 1;
    const header = JSON.parse(bytes.subarray(0, dataStart).toString()) as {
      count: number;
      columns: { name: string; type: string; unit: string; offset: number }[];
    };
    expect(dataStart % 8).toBe(0);
    expect(header.count).toBe(8);
    const end = header.columns.find(({ name }) => name === 'endUs')!;
    expect(end).toMatchObject({ type: 'u32' });
    expect(bytes.readUInt32LE(dataStart + end.offset + 2 * 4)).toBe(50_001);
    const due = header.columns.find(({ name }) => name === 'dueUs')!;
    expect(bytes.readDoubleLE(dataStart + due.offset + 8)).toBe(1_100_000);
    expect(header.columns.every(({ offset, unit }) => offset % 8 === 0 && unit !== '')).toBe(true);
  });

  it('is read as it was written before there was a first byte', async () => {
    const path = join(folder, 'version-1.bin');
    await writeSamples(path, record(), samplesOf(example));
    const bytes = await readFile(path);
    const dataStart = bytes.indexOf('\n') + 1;
    const header = JSON.parse(bytes.subarray(0, dataStart).toString()) as { columns: { name: string }[] };
    const columns = header.columns.filter(({ name }) => name !== 'firstByteUs');
    const line = JSON.stringify({ ...header, version: 1, columns });
    await writeFile(path, Buffer.concat([Buffer.from(`${line}\n`), bytes.subarray(dataStart)]));
    const { block, samples } = await readSamples(path);
    expect([...samples.firstByteUs]).toEqual(example.map(() => never));
    expect(summarise(block, samples, slo, '')).toEqual(summarise(record(), samplesOf(example), slo, ''));
  });

  it('refuses other files, newer versions and cut ones', async () => {
    const path = join(folder, 'other.bin');
    await writeFile(path, 'something else\n');
    await expect(readSamples(path)).rejects.toThrow(UsageError);
    await writeFile(path, `${JSON.stringify({ format: 'pgrehearse-samples', version: 99 })}\n`);
    await expect(readSamples(path)).rejects.toThrow(/version 99/);
    await writeSamples(path, record(), samplesOf(example));
    await writeFile(path, (await readFile(path)).subarray(0, -20));
    await expect(readSamples(path)).rejects.toThrow(/cut short/);
    await expect(readSamples(join(folder, 'missing.bin'))).rejects.toThrow(UsageError);
  });

  it('says so when it cannot be written', async () => {
    await expect(writeSamples(join(folder, 'no', 'b.bin'), record(), samplesOf([]))).rejects.toThrow(EnvironmentError);
  });
});

describe('LabelTable', () => {
  it('numbers labels from 1 and lets the 256th and later share the last', () => {
    const table = new LabelTable<string>();
    expect(table.numberOf('a', () => 'A')).toBe(1);
    expect(table.numberOf('b', () => 'B')).toBe(2);
    expect(table.numberOf('a', () => 'again')).toBe(1);
    for (let n = 0; n < 300; n++) table.numberOf(`x${n}`, () => `X${n}`);
    expect(table.numberOf('new', () => 'new')).toBe(255);
    expect(table.labels.length).toBe(255);
  });
});
