import { Command, Option } from 'commander';
import type { PresetName } from '../comparison/record.ts';
import { tune } from '../tune/tune.ts';
import type { CommandContext } from './context.ts';
import { measure, type MeasureFlags } from './measure.ts';
import {
  blockOption,
  jsonOption,
  maxRegressionOption,
  outOption,
  pairsOf,
  pairsOption,
  parseList,
  rateOption,
  scaleOption,
  seedOption,
  workersOption,
  type PairFlags,
} from './options.ts';
import { addMeasuringOptions } from './server-options.ts';

interface TuneFlags extends MeasureFlags, PairFlags {
  stage?: string;
  profile: string;
  groups?: string[];
  rate?: number;
  maxRegression?: number;
  preset: PresetName;
}

export function tuneCommand(context: CommandContext): Command {
  const command = new Command('tune')
    .description('which settings of a profile earn their place under the load, and the profile without the rest')
    .argument('[scenario]', 'name, or path of a scenario file', 'webhooks')
    .addOption(new Option('--stage <name>', 'under whose load, schema and queries (default: the last)'))
    .addOption(new Option('--profile <name>', 'the profile: tuned, or one of the config file').default('tuned'))
    .addOption(new Option('--groups <a,b>', 'groups of settings to try (default: all)').argParser(parseList))
    .addOption(new Option('--preset <name>', 'of each comparison').choices(['quick', 'standard']).default('quick'))
    .addOption(pairsOption())
    .addOption(blockOption())
    .addOption(scaleOption())
    .addOption(rateOption())
    .addOption(maxRegressionOption('what p95 may grow by without a group that is spare: 10%'))
    .addOption(workersOption())
    .addOption(seedOption())
    .addOption(outOption());
  return addMeasuringOptions(command)
    .addOption(jsonOption('the RunResult'))
    .addHelpText(
      'after',
      `
The whole profile runs beside the profile without a group of its settings, in pairs of blocks, one group after the other.
A group is spare when p95 without it is proved to stay within --max-regression. The time is told before it starts.

Examples:
  pgrehearse tune webhooks
  pgrehearse tune ./load/shop.ts --profile production --groups work_mem,shared_buffers --pairs 12 --block 1500ms`,
    )
    .action(async (scenario: string, flags: TuneFlags) => {
      const { stage, profile, rate, maxRegression, preset } = flags;
      const request = {
        scenario,
        flags: stage === undefined ? flags : { ...flags, stages: [stage] },
        profile,
        ...(maxRegression === undefined ? {} : { gate: { maxRegression } }),
        ...(rate === undefined ? {} : { load: { ratePerSecond: rate } }),
        comparison: { preset, ...pairsOf(flags) },
      };
      await measure(request, context, (plan, control) => tune(plan, flags.groups, control));
    });
}
