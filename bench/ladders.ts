/**
 * Every step of the four ladders, rehearsed once inside of the load of the stage before it (`pgrehearse rehearse`): at half of what that stage
 * held in the ladder's report, and at 50 a second at most, so that what stops is the migration's doing. With `--out` the results stay, for `pgrehearse report <ladder> --rehearsals`.
 */
import { join, resolve } from 'node:path';
import type { ScenarioSpec, StageSpec } from 'pgrehearse';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { BenchOptions, BenchResult } from './main.ts';
import { feltTable } from '../src/report/markdown-rehearsed.ts';
import { readResult } from '../src/result-file.ts';
import { rehearse, type Felt } from './shows/rehearse.ts';

const scenarios = ['webhooks', 'packets', 'sessions', 'ledger'];
const highestRate = 50;
const full = ['--before', '15s', '--after', '15s'];
const small = ['--before', '1s', '--after', '1s'];

export async function run({ quick, scale, out }: BenchOptions): Promise<BenchResult> {
  await using folder = await temporaryFolder();
  const flags = ['--repeats', '1', ...(quick ? small : full), '--scale', String(scale ?? (quick ? 0.01 : 1))];
  const all: Felt[] = [];
  for (const scenario of scenarios) {
    const rates = await ratesOf(scenario);
    for (const [from, to] of await stepsOf(scenario)) {
      console.error(`${scenario}: from ${from.name} to ${to.name}`);
      const rate = String(rates.get(from.name) ?? highestRate);
      const step = [...flags, '--rate', rate, '--stages', `${from.name},${to.name}`];
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

/** Transactions a second that each stage is loaded with while the next one's migrations run, by name. */
async function ratesOf(scenario: string): Promise<Map<string, number>> {
  const { blocks } = await readResult(resolve(import.meta.dirname, '../reports', scenario));
  return new Map(
    blocks.map(({ stage, saturation }) => [
      stage,
      Math.max(1, Math.min(highestRate, Math.floor((saturation?.heldPerSecond ?? Infinity) / 2))),
    ]),
  );
}
