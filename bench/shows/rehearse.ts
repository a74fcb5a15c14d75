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
 * `pgrehearse rehearse`, whatever it judges. A complete result that is in the folder already is taken as it is, so that a long series which
 * was cut off goes on.
 *
 * @param out folder for the result
 * @throws Error with what the command said when it did not come to its repeats
 */
export async function rehearse(scenario: string, flags: readonly string[], out: string): Promise<FeltChange> {
  const kept = await feltIn(out);
  if (kept !== undefined) return kept;
  const args = [...command, scenario, ...flags, '--out', out];
  const { stderr } = await execa(process.execPath, args, { cwd: projectRoot, reject: false });
  const felt = await feltIn(out);
  if (felt === undefined) throw new Error(`${scenario} ${flags.join(' ')} was not rehearsed:\n${stderr}`);
  return felt;
}

/** Of the complete result in a folder, if there is one. */
async function feltIn(out: string): Promise<FeltChange | undefined> {
  const result = await readResult(out).catch(() => undefined);
  return result?.status === 'complete' ? feltChange(result.liveMigration!.repeats) : undefined;
}

/** What was rehearsed, and what was felt. */
export interface Felt {
  labels: readonly string[];
  felt: FeltChange;
}
