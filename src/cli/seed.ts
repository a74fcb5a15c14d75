import { Command } from 'commander';
import { planRun } from '../plan.ts';
import { seedSnapshot } from '../run.ts';
import { formatBytes, formatCount, formatMs } from '../report/format.ts';
import { readConfig, type CommandContext } from './context.ts';
import { configOption, jsonOption, scaleOption, seedOption } from './options.ts';
import { addServerOptions, dockerLimitsOf, type ServerFlags } from './server-options.ts';
import { openTerminal } from './terminal.ts';

interface SeedFlags extends ServerFlags {
  scale: number;
  seed: number;
  json?: boolean;
}

export function seedCommand(context: CommandContext): Command {
  const command = new Command('seed')
    .description('seed a database and keep it as a snapshot, so that later runs start at once')
    .argument('[scenario]', 'name, or path of a scenario file', 'webhooks')
    .addOption(scaleOption())
    .addOption(seedOption());
  return addServerOptions(command)
    .addOption(configOption())
    .addOption(jsonOption('what was seeded'))
    .addHelpText(
      'after',
      `
The same --seed and --scale give byte-identical tables, on every machine and with any number of workers.

Examples:
  pgrehearse seed
  pgrehearse seed webhooks --scale 0.1 --seed 7`,
    )
    .action(async (scenario: string, flags: SeedFlags) => {
      const { folder, config } = await readConfig(flags);
      const terminal = openTerminal(context.signal);
      try {
        const { scale, seed, server, pg, allowProduction } = flags;
        const docker = dockerLimitsOf(flags);
        const request = { scenario, folder, config, scale, seed, server, docker, pg, allowProduction, stages: [] };
        const plan = await planRun(request);
        const summary = await seedSnapshot(plan, {
          signal: context.signal,
          onEvent: (event) => terminal.onEvent(event),
        });
        terminal.close();
        if (flags.json) {
          console.log(JSON.stringify(summary));
          return;
        }
        console.log(
          `${formatCount(summary.rows)} rows, ${formatBytes(summary.bytes)} copied in ${formatMs(summary.copyMs)}; ` +
            `indexes and constraints in ${formatMs(summary.indexMs)}.`,
        );
        for (const { name, rows, sha256 } of summary.tables) {
          console.log(`  ${name.padEnd(24)} ${formatCount(rows).padStart(12)} rows  sha256 ${sha256.slice(0, 16)}`);
        }
      } finally {
        terminal.close();
      }
    });
}
