import { Command } from 'commander';
import { compareResults } from '../compare-results.ts';
import { renderComparison } from '../report/markdown-compare.ts';
import { writeFiles } from '../report/write.ts';
import { readResults } from '../result-file.ts';
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
      const [a, b] = await readResults([first, second]);
      const comparison = compareResults(a!, b!, { anyway: flags.anyway === true });
      const markdown = renderComparison(comparison);
      process.stdout.write(flags.json ? `${JSON.stringify(comparison)}\n` : markdown);
      if (flags.out !== undefined) await writeFiles(flags.out, { 'compare.md': markdown });
    });
}
