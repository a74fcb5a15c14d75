import { writeFile, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { EnvironmentError, messageOf } from '../errors.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { renderSummary } from '../report/summary.ts';
import { readResult } from '../result-file.ts';
import type { CommandContext } from './context.ts';

interface ReportFlags {
  out?: string;
}

export function reportCommand(_context: CommandContext): Command {
  return new Command('report')
    .description('render the report of a stored result again')
    .argument('<result>', 'result.json of a run, or its folder')
    .option('--out <dir>', 'folder for the report (default: beside the result)')
    .addHelpText(
      'after',
      `
Needs no database: the result holds everything.

Example:
  pgrehearse report reports/runs/<id>/result.json --out /tmp/report`,
    )
    .action(async (path: string, flags: ReportFlags) => {
      const file = path.endsWith('.json') ? resolve(path) : join(resolve(path), 'result.json');
      const result = await readResult(file);
      const folder = flags.out ? resolve(flags.out) : dirname(file);
      const { markdown, files } = renderMarkdown(result);
      try {
        await mkdir(folder, { recursive: true });
        for (const [name, content] of Object.entries({ 'report.md': markdown, ...files })) {
          await writeFile(join(folder, name), content);
        }
      } catch (error) {
        throw new EnvironmentError(`The report cannot be written to ${folder}: ${messageOf(error)}.`, {
          hint: 'Choose another folder with --out.',
          cause: error,
        });
      }
      const columns = process.stdout.columns || 100;
      process.stdout.write(`${renderSummary(result, { color: process.stdout.isTTY, columns })}\n`);
      console.log(`Report: ${join(folder, 'report.md')}`);
    });
}
