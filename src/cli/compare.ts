import { Command } from 'commander';
import { compareResults } from '../compare-results.ts';
import { FaultList } from '../faults.ts';
import { renderComparison } from '../report/markdown-compare.ts';
import { writeFiles } from '../report/write.ts';
import { readResult } from '../result-file.ts';
import type { RunResult } from '../result.ts';
import type { CommandContext } from './context.ts';
import { jsonOption } from './options.ts';

interface CompareFlags {
  anyway?: boolean;
  json?: boolean;
  out?: string;
}

export function compareCommand(_context: CommandContext): Command {
  return new Command('compare')
    .description('lay two stored results side by side; tells differences, never a verdict')
    .argument('<a>', 'result.json of a run, or its folder')
    .argument('<b>', 'another')
    .option('--anyway', 'also when the runs measured different things; the output says which')
    .option('--out <dir>', 'write compare.md into this folder')
    .addOption(jsonOption('the comparison'))
    .addHelpText(
      'after',
      `
Refuses results of another scenario, mix, seed, scale, load, SLO, PostgreSQL major or machine. Two single
runs have no interval, so there is no pass or fail here: for a verdict run with --before-ref.

Examples:
  pgrehearse compare reports/runs/<id> reports/runs/<other>
  pgrehearse compare monday/result.json friday/result.json --anyway --out /tmp/compared`,
    )
    .action(async (first: string, second: string, flags: CompareFlags) => {
      const [a, b] = await readBoth(first, second);
      const comparison = compareResults(a, b, { anyway: flags.anyway === true });
      const markdown = renderComparison(comparison);
      process.stdout.write(flags.json ? `${JSON.stringify(comparison)}\n` : markdown);
      if (flags.out !== undefined) await writeFiles(flags.out, { 'compare.md': markdown });
    });
}

/** Faults of both files are told at once. */
async function readBoth(...paths: [string, string]): Promise<[RunResult, RunResult]> {
  const faults = new FaultList();
  const results: RunResult[] = [];
  for (const path of paths) await faults.tryAsync(async () => void results.push(await readResult(path)));
  faults.throwIfAny();
  return [results[0]!, results[1]!];
}
