import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { assertOurs, withScratchDatabase } from '../database.ts';
import { UsageError } from '../errors.ts';
import { migrate, readMigrations, status, verify, type Migration } from '../migrate.ts';
import { roundTrip } from '../migrate/round-trip.ts';
import { formatMs } from '../report/format.ts';
import type { MigrationRecord } from '../result.ts';
import { findScenario, projectFolder } from '../scenario-file.ts';
import { importScenario } from '../scenario-module.ts';
import { externalTarget } from '../server/external/connection.ts';
import { reachServer } from '../server/external/survey.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { readConfig, type CommandContext } from './context.ts';
import { configOption } from './options.ts';

interface MigrateFlags {
  database?: string;
  to?: string;
  config?: string;
}

const scenarioArgument = ['[scenario]', 'name, or path of a scenario file', 'webhooks'] as const;

const databaseOption = () =>
  new Option(
    '--database <url>',
    'postgres://... of a database that pgrehearse made (default: an empty scratch server)',
  );

export function migrateCommand(context: CommandContext): Command {
  const command = new Command('migrate').description('apply, take back and check migrations').addHelpText(
    'after',
    `
Migrations are pairs of files NNN_name.up.sql and NNN_name.down.sql, or those of golang-migrate, node-pg-migrate, Flyway,
dbmate, Prisma or Drizzle as they are. Each file runs in one transaction, unless a statement
forbids it (CREATE INDEX CONCURRENTLY, VACUUM, ...) or the file begins with "-- pgrehearse: no-transaction".
Without --database everything happens on an empty scratch server, which is removed afterwards.

Examples:
  pgrehearse migrate verify webhooks                  up, down and up again, comparing schemas
  pgrehearse migrate up webhooks --to 003             apply on the scratch server, with the time that each takes
  pgrehearse migrate status webhooks --database postgres://postgres@localhost/rehearsal`,
  );
  command.addCommand(upCommand(context));
  command.addCommand(downCommand(context));
  command.addCommand(statusCommand());
  command.addCommand(verifyCommand(context));
  return command;
}

function upCommand(context: CommandContext): Command {
  return new Command('up')
    .description('apply migrations up to a version')
    .argument(...scenarioArgument)
    .option('--to <version>', 'last version to apply (default: all)')
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (scenario: string, flags: MigrateFlags) => {
      const { migrations, cacheDir } = await migrationsOf(scenario, flags);
      await withDatabase(flags, cacheDir, context, async (connection) => {
        const to = flags.to === undefined ? {} : { to: flags.to };
        printRecords(await migrate(connection, migrations, { ...to, signal: context.signal }), 'applied');
      });
    });
}

function downCommand(context: CommandContext): Command {
  return new Command('down')
    .description('take migrations back down to a version; 000 takes back everything')
    .argument(...scenarioArgument)
    .requiredOption('--to <version>', 'version to arrive at')
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (scenario: string, flags: MigrateFlags & { to: string }) => {
      const { migrations, cacheDir } = await migrationsOf(scenario, flags);
      await withDatabase(flags, cacheDir, context, async (connection) => {
        const control = { signal: context.signal };
        if (flags.database === undefined) printRecords(await migrate(connection, migrations, control), 'applied');
        printRecords(
          await migrate(connection, migrations, { direction: 'down', to: flags.to, ...control }),
          'taken back',
        );
      });
    });
}

function statusCommand(): Command {
  return new Command('status')
    .description('show which migrations a database has; writes nothing')
    .argument(...scenarioArgument)
    .addOption(databaseOption().makeOptionMandatory())
    .addOption(configOption())
    .action(async (scenario: string, flags: MigrateFlags) => {
      const { migrations } = await migrationsOf(scenario, flags);
      for (const { version, name, state } of await status(await targetOf(flags.database!), migrations)) {
        console.log(`${version}  ${name.padEnd(40)}  ${state}`);
      }
    });
}

function verifyCommand(context: CommandContext): Command {
  return new Command('verify')
    .description('check that every down file takes back its up file; with --database, that applied files are unchanged')
    .argument(...scenarioArgument)
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (scenario: string, flags: MigrateFlags) => {
      const { migrations, cacheDir } = await migrationsOf(scenario, flags);
      if (flags.database !== undefined) {
        await verify(await targetOf(flags.database), migrations);
        console.log(`What is applied is what the ${migrations.length} files say.`);
        return;
      }
      await withScratchDatabase(cacheDir, context.signal, (connection) =>
        roundTrip(connection, migrations, {
          signal: context.signal,
          onApplied: (record, takenBack) =>
            printRecords([record], takenBack ? 'up, down, up' : 'up; it has no down file'),
        }),
      );
      const reversible = migrations.filter(({ down }) => down !== undefined).length;
      const subject = reversible === migrations.length ? `All ${reversible}` : `${reversible} of ${migrations.length}`;
      console.log(`${subject} migrations go up, down and up again to the same schema.`);
    });
}

async function migrationsOf(
  nameOrPath: string,
  flags: MigrateFlags,
): Promise<{ migrations: Migration[]; cacheDir: string | undefined }> {
  const { folder, config } = await readConfig(flags);
  const file = await findScenario(nameOrPath, folder, config);
  const { workload } = await importScenario(file);
  const migrations = await readMigrations(
    resolve(await projectFolder(file), workload.migrations),
    workload.migrationsFormat,
  );
  return { migrations, cacheDir: config.cacheDir };
}

/** The database of the user, if it is one of ours, else a scratch one. */
async function withDatabase(
  flags: MigrateFlags,
  cacheDir: string | undefined,
  context: CommandContext,
  use: (connection: ConnectionTarget) => Promise<void>,
): Promise<void> {
  if (flags.database === undefined) return withScratchDatabase(cacheDir, context.signal, use);
  const target = await targetOf(flags.database);
  await assertOurs(target);
  return use(target);
}

/** As `--server` understands URLs. */
function targetOf(url: string): Promise<ConnectionTarget> {
  if (/^postgres(ql)?:/.test(url)) return reachServer(externalTarget(url));
  throw new UsageError('The value of --database is not a postgres:// URL.', {
    hint: 'Write postgres://user@host:port/database.',
  });
}

function printRecords(records: readonly MigrationRecord[], verb: string): void {
  for (const { version, name, durationMs } of records) {
    console.log(`${version}_${name}  ${verb}  ${formatMs(durationMs)}`);
  }
}
