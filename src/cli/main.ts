/** The `pgrehearse` command: the only place that reads argv, listens to signals and ends the process. */
import { styleText } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError } from 'commander';
import { ExitCode, PgrehearseError } from '../errors.ts';
import { toolVersion } from '../tool.ts';
import { calibrateCommand } from './calibrate.ts';
import { capacityCommand } from './capacity.ts';
import { compareCommand } from './compare.ts';
import { doctorCommand } from './doctor.ts';
import { gateCommand } from './gate.ts';
import { initCommand } from './init.ts';
import { httpCommand } from './http.ts';
import { migrateCommand } from './migrate.ts';
import { probeCommand } from './probe.ts';
import { rehearseCommand } from './rehearse.ts';
import { reportCommand } from './report.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';
import { seedCommand } from './seed.ts';
import { trendCommand } from './trend.ts';
import { tuneCommand } from './tune.ts';
import { Interruption } from './interruption.ts';
import { snapshotCommand } from './snapshot.ts';

const description = `Rehearse a PostgreSQL change at full load before you ship it.

Seeds a production-sized database, drives open-loop load against it before and after a change of
schema, configuration or queries, judges whether p95 holds, and writes a report for the pull request.`;

const examples = `
Examples:
  pgrehearse run                          the main job: webhooks, 10.3 million rows, 1,000 transactions a second
  pgrehearse run webhooks --quick         the same in a minute on a small scale
  pgrehearse run ./my-scenario.ts --rate 200 --duration 2m
  pgrehearse capacity webhooks            how far each stage can go
  pgrehearse tune webhooks                which settings of a profile earn their place
  pgrehearse probe webhooks               what each read costs by itself, before and after
  pgrehearse migrate verify webhooks      up, down and up again on a scratch database
  pgrehearse trend reports/runs           stored results over time, by commit
  pgrehearse init                         files to begin with, around your own migrations
  pgrehearse doctor                       what this machine has and lacks

Exit codes: 0 pass, 1 the gate failed, 2 wrong use, 3 inconclusive, 4 invalid measurement,
5 the environment failed, 6 correctness broken; 130 or 143 after Ctrl-C or SIGTERM.`;

async function main(argv: string[]): Promise<number> {
  using interruption = new Interruption();
  const context = { signal: interruption.signal, exitCode: ExitCode.pass as number };
  const program = new Command('pgrehearse')
    .description(description)
    .version(toolVersion)
    .option('--verbose', 'show the stack of an error')
    .addHelpText('after', examples)
    .showHelpAfterError('Run with --help to see what there is.')
    .exitOverride();
  for (const command of [
    runCommand,
    capacityCommand,
    probeCommand,
    httpCommand,
    rehearseCommand,
    seedCommand,
    migrateCommand,
    snapshotCommand,
    doctorCommand,
    initCommand,
    reportCommand,
    gateCommand,
    serveCommand,
    calibrateCommand,
    compareCommand,
    trendCommand,
    tuneCommand,
  ]) {
    program.addCommand(command(context).copyInheritedSettings(program));
  }
  for (const command of program.commands.flatMap((command) => [command, ...command.commands])) {
    command.exitOverride().option('--verbose', 'show the stack of an error');
  }
  try {
    await program.parseAsync(argv);
    return interruption.exitCode ?? context.exitCode;
  } catch (error) {
    return interruption.exitCode ?? explain(error, argv.includes('--verbose'));
  }
}

/** Prints an error as one sentence with the next step, and gives its exit code. */
function explain(error: unknown, verbose: boolean): number {
  // Commander has printed its message already; help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.pass : ExitCode.usage;
  const label = styleText('red', 'error:', { stream: process.stderr });
  if (error instanceof PgrehearseError) {
    console.error(`${label} ${error.message}`);
    if (error.hint !== undefined) console.error(error.hint);
    if (verbose) console.error(error.stack);
    return error.exitCode;
  }
  console.error(`${label} ${error instanceof Error ? error.message : String(error)}`);
  console.error(verbose && error instanceof Error ? error.stack : 'This was not expected; --verbose shows the stack.');
  return ExitCode.environment;
}

/**
 * V8 compiles what is hot in WebAssembly once more, to be quicker. Of PostgreSQL's parser that is one function of enormous size: while its loops are
 * unrolled the process has 620 MB in place of 65 and a processor is busy for 200 ms; the scripts of a whole run are parsed in ten. Here, for it is for
 * the owner of a process to choose, and once, for V8 does not promise that code of two settings goes well together.
 */
function compileWebAssemblyOnce(): void {
  for (const flag of ['wasm-tier-up', 'wasm-dynamic-tiering']) setFlagsFromString(`--no-${flag}`);
}

compileWebAssemblyOnce();
process.exitCode = await main(process.argv);
// What a pipe has not taken yet would be lost; its reader may have left early, as head does.
await new Promise<void>((resolve) => {
  process.stdout.once('error', () => resolve());
  process.stdout.write('', () => resolve());
});
// Everything is closed by now; an unref'd handle of a library must not keep the command alive.
process.exit();
