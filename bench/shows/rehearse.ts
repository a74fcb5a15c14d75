/** Rehearsals by the command line, and what the traffic felt of them. */
import { resolve } from 'node:path';
import { execa } from 'execa';
import { feltChange } from '../../src/live-migration/felt-change.ts';
import type { FeltChange } from '../../src/live-migration/record.ts';
import { readResult } from '../../src/result-file.ts';

const projectRoot = resolve(import.meta.dirname, '../..');
const command = [
  '--conditions=pgrehearse-source',
  '--no-warnings',
  resolve(projectRoot, 'src/cli/main.ts'),
  'rehearse',
];

/**
 * `pgrehearse rehearse`, whatever it judges.
 *
 * @param out folder for the result
 * @throws Error with what the command said when it did not come to its repeats
 */
export async function rehearse(scenario: string, flags: readonly string[], out: string): Promise<FeltChange> {
  const args = [...command, scenario, ...flags, '--out', out];
  const { stderr } = await execa(process.execPath, args, { cwd: projectRoot, reject: false });
  const result = await readResult(out).catch(() => undefined);
  if (result?.status !== 'complete') throw new Error(`${scenario} ${flags.join(' ')} was not rehearsed:\n${stderr}`);
  return feltChange(result.liveMigration!.repeats);
}

/** What was rehearsed, and what was felt. */
export interface Felt {
  labels: readonly string[];
  felt: FeltChange;
}
