import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { claimsPage } from '../claims-page.ts';
import { renderSummary } from '../report/summary.ts';
import { writeReport } from '../report/write.ts';
import { readResult } from '../result-file.ts';
import type { CommandContext } from './context.ts';

interface ReportFlags {
  out?: string;
  claims?: boolean;
}

export function reportCommand(_context: CommandContext): Command {
  return new Command('report')
    .description('render the report of a stored result again')
    .argument('<result>', 'result.json of a run, or its folder')
    .option('--claims', 'print the claims of all results right below the folder as one page, and write nothing')
    .option('--out <dir>', 'folder for the report (default: beside the result)')
    .addHelpText(
      'after',
      `
Needs no database: the result holds everything.

Example:
  pgrehearse report reports/runs/<id>/result.json --out /tmp/report
  pgrehearse report --claims reports > docs/claims.md`,
    )
    .action(async (path: string, flags: ReportFlags) => {
      if (flags.claims === true) {
        process.stdout.write(await claimsPage(path));
        return;
      }
      const result = await readResult(path);
      const folder = resolve(flags.out ?? (path.endsWith('.json') ? dirname(path) : path));
      const written = await writeReport(folder, result);
      const columns = process.stdout.columns || 100;
      process.stdout.write(`${renderSummary(result, { color: process.stdout.isTTY, columns })}\n`);
      console.log(`Report: ${written}`);
    });
}
