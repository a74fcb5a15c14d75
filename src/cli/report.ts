import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { collectResults } from '../trend/collect.ts';
import { withRehearsals } from '../rehearsed-steps.ts';
import { claimsPage } from '../claims-page.ts';
import { renderSummary } from '../report/summary.ts';
import { writeReport } from '../report/write.ts';
import { UsageError } from '../errors.ts';
import { readResult, writeResult } from '../result-file.ts';
import { resultJsonSchema } from '../result-schema.ts';
import type { RunResult } from '../result.ts';
import type { CommandContext } from './context.ts';
import { openPage } from './open-page.ts';

interface ReportFlags {
  out?: string;
  claims?: boolean;
  open?: boolean;
  rehearsals?: string;
  schema?: boolean;
}

export function reportCommand(_context: CommandContext): Command {
  return new Command('report')
    .description('render the report of a stored result again')
    .argument('[result]', 'result.json of a run, or its folder')
    .option('--claims', 'print the claims of all results right below the folder as one page, and write nothing')
    .option('--out <dir>', 'folder for the report (default: beside the result)')
    .option(
      '--rehearsals <dir>',
      'add what rehearsals of its steps felt, from the results below this folder, and keep it in the result',
    )
    .option('--open', 'show report.html in the browser')
    .option('--schema', 'print the JSON schema of result.json, and write nothing')
    .addHelpText(
      'after',
      `
Needs no database: the result holds everything.

Example:
  pgrehearse report reports/runs/<id>/result.json --out /tmp/report
  pgrehearse report reports/runs/<id> --open
  pgrehearse report reports/runs/<id of a ladder> --rehearsals reports/steps
  pgrehearse report --claims reports > docs/claims.md`,
    )
    .action(async (path: string | undefined, flags: ReportFlags) => {
      if (flags.schema === true) {
        process.stdout.write(resultJsonSchema());
        return;
      }
      if (path === undefined) {
        throw new UsageError('No result was named.', { hint: 'Name a result.json, or the folder of a run.' });
      }
      if (flags.claims === true) {
        process.stdout.write(await claimsPage(path));
        return;
      }
      const stored = await readResult(path);
      const folder = resolve(flags.out ?? (path.endsWith('.json') ? dirname(path) : path));
      const result = flags.rehearsals === undefined ? stored : await addRehearsals(stored, flags.rehearsals, folder);
      const written = await writeReport(folder, result);
      const columns = process.stdout.columns || 100;
      process.stdout.write(`${renderSummary(result, { color: process.stdout.isTTY, columns })}\n`);
      console.log(`Report: ${written}`);
      if (flags.open === true) await openPage(join(folder, 'report.html'));
    });
}

async function addRehearsals(stored: RunResult, from: string, folder: string): Promise<RunResult> {
  const result = withRehearsals(stored, (await collectResults(from)).results);
  await writeResult(folder, result);
  return result;
}
