import { basename, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ComparisonRequest } from '../comparison/plan.ts';
import type { PresetName } from '../comparison/record.ts';
import { run } from '../run.ts';
import type { LoadSpec } from '../scenario.ts';
import { leastPairs } from '../verdict/pairs.ts';
import type { CommandContext } from './context.ts';
import { noteExitCode, outputOptions, writeOutputs, type OutputFlags } from './outputs.ts';
import { measure, type MeasureFlags } from './measure.ts';
import {
  blockOption,
  connectionsOption,
  jsonOption,
  outOption,
  pairsOf,
  pairsOption,
  parseDuration,
  parsePositive,
  parseWhole,
  scaleOption,
  seedOption,
  stagesOption,
  thresholdOptions,
  thresholdsOf,
  workersOption,
  type PairFlags,
  type ThresholdFlags,
} from './options.ts';
import { addMeasuringOptions } from './server-options.ts';

interface RunFlags extends MeasureFlags, ThresholdFlags, OutputFlags, PairFlags {
  rate?: number;
  duration?: number;
  connections?: number;
  /** Commander's default for a --no- flag is true: nothing was said. */
  prepared: boolean;
  quick?: boolean;
  beforeRef?: string;
  preset: PresetName | 'soak' | 'none';
  looks?: number;
}

/** A small scale and short blocks: advice while working, not a verdict about production. */
const quick = { scale: 0.02, load: { durationMs: 15_000, warmupMs: 2_000 }, pairs: leastPairs, blockMs: 1500 };

/** Each stage alone, long enough for checkpoints, vacuum and bloat to show. */
const soak = { durationMs: 20 * 60_000 };

export function runCommand(context: CommandContext): Command {
  const command = new Command('run')
    .description('seed, run the stages under load, judge, report (default scenario: webhooks)')
    .argument('[scenario...]', 'names, or paths of scenario files', ['webhooks'])
    .addOption(scaleOption())
    .addOption(new Option('--rate <tps>', 'transactions a second offered to every stage').argParser(parsePositive))
    .addOption(new Option('--duration <time>', 'measured time of a stage, such as 60s').argParser(parseDuration))
    .addOption(connectionsOption())
    .addOption(
      new Option('--no-prepared', 'parse every statement whenever it is sent, as behind a pooler in transaction mode'),
    )
    .addOption(workersOption())
    .addOption(stagesOption())
    .addOption(seedOption())
    .addOption(
      new Option(
        '--before-ref <git ref>',
        '"before" is the scenario and its migrations at this branch, tag or commit, "after" the working tree',
      ),
    )
    .addOption(presetOption())
    .addOption(pairsOption())
    .addOption(
      new Option('--looks <n>', 'looks at the evidence, each after twice as many pairs as the one before').argParser(
        parseLooks,
      ),
    )
    .addOption(blockOption())
    .addOption(outOption());
  for (const option of [...thresholdOptions(), ...outputOptions()]) command.addOption(option);
  return addMeasuringOptions(command)
    .addOption(new Option('--quick', `a minute on a small scale: --scale ${quick.scale} --duration 15s`))
    .addOption(jsonOption('the RunResult'))
    .addHelpText(
      'after',
      `
The first run seeds the database and keeps it as a snapshot; later runs clone the snapshot and start at once.
Result (result.json), raw samples and report.md are written to the --out folder after every block, so that an
interrupted run keeps what it finished.

Examples:
  pgrehearse run
  pgrehearse run webhooks --stages after --rate 2000 --duration 2m
  pgrehearse run ./load/shop.ts --before-ref origin/main --github
  pgrehearse run webhooks --preset standard --slo 'p95<50ms' --max-regression 10% --junit gates.xml
  pgrehearse run webhooks --quick --json > result.json`,
    )
    .action(async (scenarios: string[], flags: RunFlags, command: Command) => {
      const withQuick = applyQuick(flags, command);
      for (const scenario of scenarios) {
        const out = flags.out !== undefined && scenarios.length > 1 ? join(flags.out, basename(scenario)) : flags.out;
        const comparison = comparisonOf(withQuick);
        const request = {
          scenario,
          flags: { ...withQuick, out },
          load: loadOf(withQuick),
          comparison,
          beforeRef: withQuick.beforeRef,
          ...thresholdsOf(withQuick),
        };
        const result = await measure(request, context, run);
        await writeOutputs(result, withQuick);
        noteExitCode(context, result, withQuick);
        if (context.signal.aborted) return;
      }
    });
}

const presetOption = () =>
  new Option(
    '--preset <name>',
    'how the first stage is compared with the last: quick (30 pairs of blocks, 4.5 min), standard (60, up to 240 where ' +
      'undecided), soak (none, but each stage alone for 20 min), none',
  )
    .choices(['quick', 'standard', 'soak', 'none'])
    .default('quick');

/** --quick changes defaults; what the user says beside it still counts. */
function applyQuick(flags: RunFlags, command: Command): RunFlags {
  if (!flags.quick) return flags;
  const saidScale = command.getOptionValueSource('scale') === 'cli';
  return { ...flags, scale: saidScale ? flags.scale : quick.scale, duration: flags.duration ?? quick.load.durationMs };
}

function loadOf(flags: RunFlags): Partial<LoadSpec> {
  return {
    ...(flags.quick ? quick.load : {}),
    ...(flags.preset === 'soak' ? soak : {}),
    ...(flags.rate === undefined ? {} : { ratePerSecond: flags.rate }),
    ...(flags.duration === undefined ? {} : { durationMs: flags.duration }),
    ...(flags.connections === undefined ? {} : { connections: flags.connections }),
    ...(flags.prepared ? {} : { prepared: false }),
  };
}

/** Undefined where stages only run alone. */
function comparisonOf({ preset, looks, quick: isQuick, ...flags }: RunFlags): ComparisonRequest | undefined {
  if (preset === 'soak' || preset === 'none') return undefined;
  return {
    preset,
    ...(isQuick ? { pairs: quick.pairs, blockMs: quick.blockMs } : {}),
    ...pairsOf(flags),
    ...(looks === undefined ? {} : { looks }),
  };
}

function parseLooks(text: string): number {
  const looks = parseWhole(text);
  if (looks < 1 || looks > 3) throw new InvalidArgumentError('Give 1, 2 or 3.');
  return looks;
}
