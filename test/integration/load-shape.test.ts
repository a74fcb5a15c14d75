/** A changing rate, driven against a real server. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withClient } from '../../src/database.ts';
import { runBlock } from '../../src/load/engine.ts';
import { summarise } from '../../src/load/recorder.ts';
import { readSamples } from '../../src/load/samples-file.ts';
import { defaultLoad, defaultSlo, type RatePoint } from '../../src/scenario.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

/** Nothing in the first half of the measured time, all in the second. */
const late: RatePoint[] = [
  { at: 0, rate: 0 },
  { at: 0.5, rate: 0 },
  { at: 0.5, rate: 1 },
];

it('offers the arrivals of the even load when the shape says, whatever the number of workers', async () => {
  await using server = await startTestServer();
  await using folder = await temporaryFolder();
  const connection = server.connection();
  await withClient(connection, (client) =>
    client.query(
      `CREATE TABLE accounts AS SELECT id, 0::bigint AS balance, 'a' AS name FROM generate_series(1, 100) AS id`,
    ),
  );
  const drive = async (id: string, workers: number, shape?: RatePoint[]) => {
    const samplesPath = join(folder.path, `${id}.bin`);
    const block = await runBlock({
      scenarioFile: fileURLToPath(new URL('./load-scenario.ts', import.meta.url)),
      stage: 'before',
      id,
      blockNumber: 0,
      connection,
      seed: 1,
      scale: 1,
      load: { ...defaultLoad, ratePerSecond: 200, durationMs: 2000, warmupMs: 500, connections: 4 },
      ...(shape === undefined ? {} : { shape }),
      workers,
      slo: defaultSlo,
      samplesPath,
    });
    const { block: record, samples } = await readSamples(samplesPath);
    expect(summarise(record, samples, defaultSlo, samplesPath)).toEqual(block);
    return { block, samples };
  };
  const even = await drive('even', 1);
  const one = await drive('one', 1, late);
  const two = await drive('two', 2, late);
  expect(one.block.counts).toEqual({ ...even.block.counts, succeeded: even.block.counts.scheduled });
  expect(one.samples.transaction).toEqual(even.samples.transaction);
  expect(one.samples.class).toEqual(even.samples.class);
  expect(two.samples.dueUs).toEqual(one.samples.dueUs);
  const counted = one.samples.dueUs.filter((due) => due >= 500_000);
  expect(counted.every((due) => due >= 1_500_000 && due <= 2_500_000)).toBe(true);
  expect(one.block.shape).toEqual(late);
});
