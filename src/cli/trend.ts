import { resolve } from 'node:path';
import { Command } from 'commander';
import { renderTrend, renderTrendFiles } from '../report/markdown-trend.ts';
import { writeFiles } from '../report/write.ts';
import { collectResults } from '../trend/collect.ts';
import { trendOf } from '../trend/series.ts';
import type { CommandContext } from './context.ts';
import { jsonOption } from './options.ts';

interface TrendFlags {
  transaction?: string;
  json?: boolean;
  out?: string;
}

export function trendCommand(_context: CommandContext): Command {
  return new Command('trend')
    .description('stored results over time, by commit, and where their level changed')
    .argument('<dir>', 'folder with results of runs below it')
    .option('--transaction <name>', 'follow one transaction instead of all together')
    .option('--out <dir>', 'write trend.md and a chart for each series into this folder')
    .addOption(jsonOption('the series'))
    .addHelpText(
      'after',
      `
Runs of another scenario, mix, seed, scale, load, PostgreSQL major or machine are series of their own.
A change of level needs five runs on each side of it. A trend judges nothing: the exit code is 0.

Examples:
  pgrehearse trend reports/runs
  pgrehearse trend reports/runs --transaction dashboard --out /tmp/trend`,
    )
    .action(async (folder: string, flags: TrendFlags) => {
      const { results, faults } = await collectResults(folder);
      for (const fault of faults) console.error(`Warning: left out: ${fault}`);
      const trend = trendOf(results, flags.transaction);
      process.stdout.write(flags.json ? `${JSON.stringify(trend)}\n` : renderTrend(trend));
      if (flags.out === undefined) return;
      await writeFiles(flags.out, renderTrendFiles(trend));
      console.error(`Report: ${resolve(flags.out, 'trend.md')}`);
    });
}
