import { statfs } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { withClient, withScratchDatabase } from '../database.ts';
import { ExitCode, messageOf, PgrehearseError } from '../errors.ts';
import { formatBytes, formatMs, formatRate, formatUs } from '../report/format.ts';
import { keepGeneratorFigures } from '../generator-figures.ts';
import { measureCeiling } from '../load/ceiling.ts';
import { findBinaries } from '../server/binaries.ts';
import { defaultCacheDir, ensureCacheFolder } from '../server/cache.ts';
import { describeHost } from '../server/host.ts';
import { readConfig, type CommandContext } from './context.ts';
import { configOption, jsonOption } from './options.ts';

/** One thing that was looked at. */
interface Finding {
  what: string;
  ok: boolean;
  /** What was found, or what is wrong with the next step. */
  text: string;
}

/** A full-size run of a shipped workload keeps two snapshots and a clone, about 20 GB. */
const roomyDiskBytes = 25e9;

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description('check what this machine has and lacks, and start PostgreSQL once')
    .option('--load', 'measure what the load generator can do here, for about a minute, and keep it for later runs')
    .addOption(configOption())
    .addOption(jsonOption('the findings'))
    .addHelpText(
      'after',
      `
Exit code 0 when everything that a run needs is there, 5 when something is missing.

With --load the generator drives a server that answers and does nothing: its lateness at 1,000 transactions a second, and
the rate at which it carries out no more. A run that offers more than a tenth of that is warned.

Examples:
  pgrehearse doctor
  pgrehearse doctor --load      on an otherwise idle machine`,
    )
    .action(async (flags: { config?: string; json?: boolean; load?: boolean }) => {
      const { config } = await readConfig(flags);
      const findings: Finding[] = [];
      const look = async (what: string, examine: () => Promise<string>) => {
        const finding = await examine().then(
          (text) => ({ what, ok: true, text }),
          (error: unknown) => ({ what, ok: false, text: complaintOf(error) }),
        );
        findings.push(finding);
        if (!flags.json) printFinding(finding);
      };
      const cacheDir = config.cacheDir ?? (await defaultCacheDir());
      await look('Node', async () => process.version);
      await look('Machine', describeMachine);
      await look('Cache folder', () => describeCache(cacheDir));
      await look(
        'PostgreSQL',
        async () => `${(await findBinaries(cacheDir)).version} for ${process.platform}-${process.arch}`,
      );
      await look('Server start', () => tryServer(cacheDir, context.signal));
      if (flags.load) await look('Load generator', () => tryGenerator(cacheDir, flags, context.signal));
      if (flags.json) console.log(JSON.stringify(findings));
      if (findings.some((finding) => !finding.ok)) context.exitCode = ExitCode.environment;
    });
}

function printFinding({ what, ok, text }: Finding): void {
  const mark = ok ? styleText('green', 'ok  ') : styleText('red', 'fail');
  console.log(`${mark}  ${what.padEnd(14)} ${text}`);
}

function complaintOf(error: unknown): string {
  const hint = error instanceof PgrehearseError && error.hint !== undefined ? ` ${error.hint}` : '';
  return `${messageOf(error)}${hint}`;
}

async function describeMachine(): Promise<string> {
  const { cores, cpuModel, memoryBytes, memoryLimitBytes, os } = describeHost();
  const limit = memoryLimitBytes === undefined ? '' : `, of which ${formatBytes(memoryLimitBytes)} may be used`;
  return `${cores} cores (${cpuModel}), ${formatBytes(memoryBytes)} memory${limit}, ${os}`;
}

async function describeCache(cacheDir: string): Promise<string> {
  const { bavail, bsize } = await statfs(await ensureCacheFolder(cacheDir));
  const freeBytes = bavail * bsize;
  const remark =
    freeBytes < roomyDiskBytes
      ? `; a run at full size wants ${formatBytes(roomyDiskBytes)}: use a smaller --scale`
      : '';
  return `${cacheDir}, ${formatBytes(freeBytes)} free${remark}`;
}

async function tryServer(cacheDir: string, signal: AbortSignal): Promise<string> {
  const startedAt = performance.now();
  return withScratchDatabase(cacheDir, signal, async (connection) => {
    const startMs = performance.now() - startedAt;
    const version = await withClient(connection, async (client) => {
      const { rows } = await client.query<{ version: string }>('SELECT version()');
      return rows[0]?.version ?? '';
    });
    return `${version.split(',')[0]} made, started and asked in ${formatMs(startMs)}`;
  });
}

async function tryGenerator(cacheDir: string, flags: { json?: boolean }, signal: AbortSignal): Promise<string> {
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
