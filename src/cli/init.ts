import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { initProject, type InitOutcome } from '../init/init.ts';
import { migrationFormats, type MigrationFormatName } from '../migrate/formats/format.ts';
import { formatPlural } from '../report/format.ts';
import { readConfig, type CommandContext } from './context.ts';

interface InitFlags {
  dir: string;
  migrations?: string;
  format?: MigrationFormatName;
  baseline?: string;
}

export function initCommand(context: CommandContext): Command {
  return new Command('init')
    .description('write a config, a scenario and a seed around your own project, so that the first run works')
    .option('--dir <folder>', 'the project', '.')
    .option(
      '--migrations <folder>',
      'where its migrations are (default: found; where there are none, an example is written)',
    )
    .addOption(new Option('--format <tool>', 'whose layout they have (default: found)').choices([...migrationFormats]))
    .option('--baseline <version>', 'migration after which the seed is loaded (default: the newest)')
    .addHelpText(
      'after',
      `
Migrations of golang-migrate, node-pg-migrate, Flyway, dbmate, Prisma and Drizzle are read where they are. They are applied
to a scratch server, and the seed is derived from the tables that they make. Nothing that exists is overwritten.

Examples:
  pgrehearse init
  pgrehearse init --migrations prisma/migrations --baseline 20260101120000   rehearse what came after it`,
    )
    .action(async ({ dir, ...flags }: InitFlags) => {
      const { config } = await readConfig({});
      const { signal } = context;
      print(await initProject({ ...flags, folder: resolve(dir), cacheDir: config.cacheDir, signal }), dir);
    });
}

function print({ written, kept, migrations, tables, notes, scenario }: InitOutcome, dir: string): void {
  const count = formatPlural(migrations.count, 'migration');
  console.log(`${count} in ${migrations.folder} (${migrations.format}): ${formatPlural(tables.length, 'table')}.`);
  for (const path of written) console.log(`  wrote  ${path}`);
  for (const path of kept) console.log(`  kept   ${path}, which was there`);
  if (notes.length > 0) console.log('The seed needs your hand:');
  for (const note of notes) console.log(`  - ${note}`);
  const place = dir === '.' ? '' : `cd ${dir} && `;
  console.log(`Next: ${place}npx pgrehearse run ${scenario} --quick`);
}
