/**
 * Every step of the four ladders, rehearsed once inside of the load of the stage before it (`pgrehearse rehearse`). The rate is low: the
 * first stages hold no more. With `--out` the results stay, for `pgrehearse report <ladder> --rehearsals`.
 */
import { join } from 'node:path';
import type { ScenarioSpec, StageSpec } from 'pgrehearse';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { BenchOptions, BenchResult } from './main.ts';
import { feltTable } from '../src/report/markdown-rehearsed.ts';
import { rehearse, type Felt } from './shows/rehearse.ts';

const scenarios = ['webhooks', 'packets', 'sessions', 'ledger'];
const usual = ['--repeats', '1', '--rate', '50'];
const full = ['--before', '15s', '--after', '15s'];
const small = ['--before', '1s', '--after', '1s'];

export async function run({ quick, scale, out }: BenchOptions): Promise<BenchResult> {
  await using folder = await temporaryFolder();
  const flags = [...usual, ...(quick ? small : full), '--scale', String(scale ?? (quick ? 0.01 : 1))];
  const all: Felt[] = [];
  for (const scenario of scenarios) {
    for (const [from, to] of await stepsOf(scenario)) {
      console.error(`${scenario}: from ${from.name} to ${to.name}`);
      const step = [...flags, '--stages', `${from.name},${to.name}`];
      const felt = await rehearse(scenario, step, join(out ?? folder.path, scenario, to.name));
      all.push({ labels: [scenario, `${from.name} to ${to.name}`], felt });
    }
  }
  return {
    ratios: {},
    figures: Object.fromEntries(all.map(({ labels, felt }) => [labels.join(', '), felt.longestStallMs])),
    markdown: feltTable(['Ladder', 'Step'], all),
  };
}

/** Neighbours with migrations between them; a step may also be one of statements or settings alone. */
async function stepsOf(scenario: string): Promise<[from: StageSpec, to: StageSpec][]> {
  const { stages } = ((await import(`../scenarios/${scenario}.ts`)) as { default: ScenarioSpec }).default;
  return stages
    .slice(1)
    .map((to, at): [StageSpec, StageSpec] => [stages[at]!, to])
    .filter(([from, to]) => from.migrations !== to.migrations);
}
