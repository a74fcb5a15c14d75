/** A stage compared with itself on real servers, from the command line. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse, shop } from './command.ts';
import { temporaryFolder } from './postgres.ts';

it('compares a stage with itself and tells what the machine can see', async () => {
  await using temporary = await temporaryFolder();
  const out = join(temporary.path, 'calibrated');
  const flags = ['--rounds', '1', '--pairs', '12', '--block', '1s', '--stage', 'after', '--out', out];
  const { exitCode, stdout } = await pgrehearse(['calibrate', shop, ...flags], join(temporary.path, 'cache'));
  const { calibration, comparison, verdict } = await readResult(out);
  expect([exitCode, comparison, verdict]).toEqual([0, undefined, undefined]);
  expect(calibration).toMatchObject([{ stage: 'after', pairs: 12 }]);
  expect(calibration![0]!.outcome).not.toBe('fail');
  expect(stdout).toContain('1 comparison of "after" with itself');
  await access(join(out, 'samples', 'round-01'));
});
