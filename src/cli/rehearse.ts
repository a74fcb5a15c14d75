import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { defaultLongestMigrationMs } from '../live-migration/pass.ts';
import { rehearseMigration } from '../live-migration/rehearse-migration.ts';
import type { LiveRequest } from '../live-migration/request.ts';
import { adversaries, type Adversary } from '../live-migration/record.ts';
import type { RunPlan } from '../plan.ts';
import { defaultBudgets, type BudgetSpec, type ScenarioSpec } from '../scenario.ts';
import type { CommandContext } from './context.ts';
import { measure, type MeasureFlags } from './measure.ts';
import {
  connectionsOption,
  jsonOption,
  outOption,
  parseDuration,
  parseList,
  parseWhole,
  rateOption,
  scaleOption,
  seedOption,
  workersOption,
} from './options.ts';
import { addMeasuringOptions } from './server-options.ts';
import { noteExitCode, outputOptions, writeOutputs, type OutputFlags } from './outputs.ts';

interface RehearseFlags extends MeasureFlags, OutputFlags {
  beforeRef?: string;
  rate?: number;
  connections?: number;
  before: number;
  after: number;
  longest: number;
  repeats: number;
  down?: boolean;
  killPoints: number;
  interleavings: number;
  firstInterleaving: number;
  project?: Map<string, number>;
  command?: string;
  adversary?: Adversary | 'each';
  hold: number;
  lockTimeout?: number;
  attempts: number;
  pause: number;
  maxStall?: number;
  maxBlocked?: number;
  maxFailed?: number;
  maxLockHold?: number;
  maxInvalid?: number;
  maxReplicaLag?: number;
}

const help = `
The statements of the first stage keep running while its schema changes under them, and after. Every tenth of a second
of the load is kept, the lock queue is looked at every 20 ms, and the budgets are judged on the worst repeat.

Examples:
  pgrehearse rehearse webhooks --rate 50
  pgrehearse rehearse ./load/shop.ts --adversary reader --hold 3s
  pgrehearse rehearse ./load/shop.ts --adversary reader --lock-timeout 200ms
  pgrehearse rehearse ./load/shop.ts --down --kill-points 12 --interleavings 20
  pgrehearse rehearse ./load/shop.ts --project orders=2_000_000_000
  pgrehearse rehearse ./load/shop.ts --command 'npx prisma migrate deploy'
  pgrehearse rehearse ./load/shop.ts --before-ref origin/main --github`;

export function rehearseCommand(context: CommandContext): Command {
  const command = new Command('rehearse')
    .description("apply a stage's migrations inside of the load, and judge what the traffic felt")
    .argument('<scenario>', 'name, or path of a scenario file')
    .addOption(
      new Option(
        '--stages <from,to>',
        'the stage under load and the one to arrive at (default: first and last)',
      ).argParser(parseList),
    )
    .addOption(new Option('--before-ref <git ref>', 'from this branch, tag or commit to the working tree'))
    .addOption(
      new Option(
        '--command <command>',
        'your own migration tool in place of our runner; it finds the database by DATABASE_URL or PGHOST, PGPORT, ...',
      ),
    )
    .addOption(new Option('--repeats <n>', 'from fresh clones; the worst is judged').argParser(parseRepeats).default(3))
    .addOption(
      new Option('--before <time>', 'load before the migration').argParser(parseDuration).default(30_000, '30s'),
    )
    .addOption(new Option('--after <time>', 'load after it, at least').argParser(parseDuration).default(30_000, '30s'))
    .addOption(
      new Option('--longest <time>', 'a migration that takes longer under load is given up')
        .argParser(parseDuration)
        .default(defaultLongestMigrationMs, '10m'),
    )
    .addOption(
      new Option(
        '--adversary <kind>',
        'who holds locks on its tables: a reader or a writer idle in its transaction, a long COPY into them, a slow VACUUM; each: all repeats with nobody, and with each of these',
      ).choices([...adversaries, 'each']),
    )
    .addOption(new Option('--hold <time>', 'how long the adversary does').argParser(parseDuration).default(3000, '3s'))
    .addOption(
      new Option('--lock-timeout <time>', 'longest wait of the migration for a lock (default: none)').argParser(
        parseDuration,
      ),
    )
    .addOption(
      new Option('--attempts <n>', 'for each file, when --lock-timeout ended one').argParser(parseRepeats).default(30),
    )
    .addOption(new Option('--pause <time>', 'before the next attempt').argParser(parseDuration).default(500, '500ms'))
    .addOption(scaleOption())
    .addOption(rateOption())
    .addOption(connectionsOption())
    .addOption(workersOption())
    .addOption(seedOption())
    .addOption(outOption());
  addMeasuringOptions(command).addOption(jsonOption('the RunResult'));
  for (const option of [...otherTrials(), ...budgetOptions(), ...outputOptions()]) command.addOption(option);
  return command.addHelpText('after', help).action(async (scenario: string, flags: RehearseFlags) => {
    const { rate, connections, beforeRef } = flags;
    const load = {
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
      ...(connections === undefined ? {} : { connections }),
    };
    const result = await measure(
      { scenario, flags, load, ...(beforeRef === undefined ? {} : { beforeRef }) },
      context,
      (plan, control) =>
        rehearseMigration(
          flags.command === undefined ? twoStages(plan) : firstStage(plan),
          requestOf(flags, plan.scenario),
          control,
        ),
    );
    await writeOutputs(result, flags);
    noteExitCode(context, result, flags);
  });
}

/** What a migration is put to beside being applied. */
const otherTrials = () => [
  new Option('--down', 'take it back as well, inside of the same load').conflicts('command'),
  new Option('--kill-points <n>', 'so often it is also ended by force on a quiet clone, at a seeded point, and mended')
    .argParser(parseWhole)
    .default(0)
    .conflicts('command'),
  new Option(
    '--interleavings <n>',
    'search for deadlocks: so often under load with other pauses between its statements',
  )
    .argParser(parseWhole)
    .default(0)
    .conflicts('command'),
  new Option('--first-interleaving <seed>', 'where the search begins; what it found names its seed')
    .argParser(parseWhole)
    .default(1),
  new Option(
    '--project <table=rows,...>',
    'estimate how long its files take with so many rows, from a tenth, three tenths and all of the rows here',
  )
    .argParser(parseTargets)
    .conflicts('command'),
];

/** What the traffic may feel; each flag before what the scenario says. */
const budgetOptions = () => [
  new Option('--max-stall <time>', 'budget: without a completed transaction (default: 500ms)').argParser(parseDuration),
  new Option('--max-blocked <time>', 'budget: sessions behind the migration, added up (default: 5s)').argParser(
    parseDuration,
  ),
  new Option('--max-failed <n>', 'budget: transactions (default: 0)').argParser(parseWhole),
  new Option('--max-lock-hold <time>', 'budget: a lock that keeps readers or writers out (default: 200ms)').argParser(
    parseDuration,
  ),
  new Option('--max-invalid <n>', 'budget: indexes and constraints left (default: 0)').argParser(parseWhole),
  new Option(
    '--max-replica-lag <time>',
    'budget: how far a replica falls behind, where one is attached (default: 5s)',
  ).argParser(parseDuration),
];

/** The first and the last: what lies between is applied on the way. */
function twoStages(plan: RunPlan): RunPlan {
  const [first, last] = [plan.stages[0], plan.stages.at(-1)];
  if (first !== undefined && last !== undefined && last.migrations.length > first.migrations.length) {
    return { ...plan, stages: [first, last] };
  }
  throw new UsageError('There is no migration between the stages to rehearse.', {
    hint: 'Name two stages of which the second has more migrations: --stages before,after.',
  });
}

/** What the command makes of it is not a stage. */
function firstStage(plan: RunPlan): RunPlan {
  return { ...plan, stages: plan.stages.slice(0, 1) };
}

function budgetsOf(flags: RehearseFlags, { budgets }: ScenarioSpec): BudgetSpec {
  const { maxStall, maxBlocked, maxFailed, maxLockHold, maxInvalid, maxReplicaLag } = flags;
  const own = { ...defaultBudgets, ...budgets };
  return {
    maxStallMs: maxStall ?? own.maxStallMs,
    maxBlockedMs: maxBlocked ?? own.maxBlockedMs,
    maxFailed: maxFailed ?? own.maxFailed,
    maxLockHoldMs: maxLockHold ?? own.maxLockHoldMs,
    maxInvalidObjects: maxInvalid ?? own.maxInvalidObjects,
    maxReplicaLagMs: maxReplicaLag ?? own.maxReplicaLagMs,
  };
}

function requestOf(flags: RehearseFlags, scenario: ScenarioSpec): LiveRequest {
  const { adversary, lockTimeout, command } = flags;
  return {
    budgets: budgetsOf(flags, scenario),
    repeats: flags.repeats,
    beforeMs: flags.before,
    afterMs: flags.after,
    longestMigrationMs: flags.longest,
    down: flags.down ?? false,
    killPoints: flags.killPoints,
    interleavings: { first: flags.firstInterleaving, count: flags.interleavings },
    project: flags.project ?? new Map(),
    ...(command === undefined ? {} : { command }),
    ...(adversary === undefined ? {} : { adversary: { kind: adversary, holdMs: flags.hold } }),
    ...(lockTimeout === undefined
      ? {}
      : { lockWait: { timeoutMs: lockTimeout, attempts: flags.attempts, pauseMs: flags.pause } }),
  };
}

/** `orders=2_000_000_000,visits=1e9`, in rows. */
function parseTargets(text: string): Map<string, number> {
  return new Map(
    text.split(',').map((target) => {
      const [, table, rows] = /^([^=]+)=([\d_]+(?:e\d+)?)$/.exec(target.trim()) ?? [];
      const count = Number(rows?.replaceAll('_', ''));
      if (table === undefined || !(count >= 1)) {
        throw new InvalidArgumentError('Give tables and rows: orders=2_000_000_000,visits=1e9.');
      }
      return [table, count];
    }),
  );
}

function parseRepeats(text: string): number {
  const repeats = parseWhole(text);
  if (repeats < 1) throw new InvalidArgumentError('Give a whole number from 1.');
  return repeats;
}
