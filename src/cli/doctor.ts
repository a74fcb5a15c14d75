import { loadavg } from 'node:os';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { find, type Finding } from '../doctor/finding.ts';
import { machineLooks } from '../doctor/machine.ts';
import { postgresLooks } from '../doctor/postgres.ts';
import { ExitCode } from '../errors.ts';
import { formatRate, formatUs } from '../report/format.ts';
import { keepGeneratorFigures } from '../generator-figures.ts';
import { measureCeiling } from '../load/ceiling.ts';
import { defaultCacheDir } from '../server/cache.ts';
import { describeHost } from '../server/host.ts';
import { readConfig, type CommandContext } from './context.ts';
import { configOption, jsonOption } from './options.ts';
import { serverOption } from './server-options.ts';

interface DoctorFlags {
  config?: string;
  json?: boolean;
  load?: boolean;
  server?: string;
}

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description('check what this machine has and lacks, and start PostgreSQL once')
    .option('--load', 'measure what the load generator can do here, for about a minute, and keep it for later runs')
    .addOption(serverOption())
    .addOption(configOption())
    .addOption(jsonOption('the findings'))
    .addHelpText(
      'after',
      `
Each line is ok, a warning (figures may be worse than they need be) or a fault (no run is possible), with advice.
Exit code 0 without faults, 5 with one.

With --load the generator drives a server that answers and does nothing: its lateness at 1,000 transactions a second, and
the rate at which it carries out no more. A run that offers more than a tenth of that is warned.

Examples:
  pgrehearse doctor
  pgrehearse doctor --server postgres://rehearser@db.test/postgres
  pgrehearse doctor --load      on an otherwise idle machine`,
    )
    .action(async (flags: DoctorFlags) => {
      const { config } = await readConfig(flags);
      const cacheDir = config.cacheDir ?? (await defaultCacheDir());
      const looks = [
        ...machineLooks(describeHost(), cacheDir),
        ...postgresLooks(cacheDir, flags.server ?? config.server, context.signal),
        ...(flags.load
          ? [{ what: 'Load generator', examine: () => tryGenerator(cacheDir, flags, context.signal) }]
          : []),
      ];
      const findings: Finding[] = [];
      for (const look of looks) {
        const finding = await find(look);
        findings.push(finding);
        if (!flags.json) printFinding(finding);
      }
      if (flags.json) console.log(JSON.stringify(findings));
      if (findings.some(({ status }) => status === 'fault')) context.exitCode = ExitCode.environment;
    });
}

const colours = { ok: 'green', warning: 'yellow', fault: 'red' } as const;

function printFinding({ what, status, text, advice }: Finding): void {
  console.log(`${styleText(colours[status], status.padEnd(7))}  ${what.padEnd(14)}  ${text}`);
  if (advice !== undefined) console.log(`${' '.repeat(25)}${advice}`);
}

async function tryGenerator(cacheDir: string, flags: DoctorFlags, signal: AbortSignal): Promise<string> {
  const figures = await measureCeiling({
    signal,
    onStep: ({ offeredPerSecond, donePerSecond, cpuCores }) => {
      if (flags.json) return;
      const [offered, done] = [offeredPerSecond, donePerSecond].map((rate) => formatRate(rate).padStart(8));
      console.error(`      offered ${offered}, carried out ${done}, ${cpuCores.toFixed(2)} cores`);
    },
  });
  await keepGeneratorFigures(cacheDir, describeHost(), figures);
  const { ceilingPerSecond, perCorePerSecond, latenessP50Us, latenessP99Us, latenessCpuCores } = figures;
  return (
    `ceiling ${formatRate(ceilingPerSecond)} with one worker, ${formatRate(perCorePerSecond)} per core; ` +
    `at 1,000/s late by ${formatUs(latenessP50Us)} (p50) and ${formatUs(latenessP99Us)} (p99), ` +
    `${(latenessCpuCores * 100).toFixed(0)} % of a core; load average ${loadavg()[0]!.toFixed(1)}`
  );
}
