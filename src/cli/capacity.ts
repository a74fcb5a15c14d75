import { Command, Option } from 'commander';
import { measureCapacity } from '../capacity.ts';
import type { LoadSpec } from '../scenario.ts';
import type { CommandContext } from './context.ts';
import { measure, type MeasureFlags } from './measure.ts';
import {
  connectionsOption,
  jsonOption,
  outOption,
  parseDuration,
  parsePositive,
  scaleOption,
  seedOption,
  stagesOption,
  workersOption,
} from './options.ts';
import { addMeasuringOptions } from './server-options.ts';

interface CapacityFlags extends MeasureFlags {
  rate?: number;
  step: number;
  connections?: number;
}

/** Time for caches and plans to settle at the new rate; not counted. */
const longestWarmupMs = 3000;

export function capacityCommand(context: CommandContext): Command {
  const command = new Command('capacity')
    .description('find the highest rate at which each stage meets the SLO')
    .argument('[scenario]', 'name, or path of a scenario file', 'webhooks')
    .addOption(scaleOption())
    .addOption(
      new Option('--rate <tps>', 'rate to begin with and to count headroom over (default: of the scenario)').argParser(
        parsePositive,
      ),
    )
    .addOption(new Option('--step <time>', 'counted time of each rate').argParser(parseDuration).default(12_000, '12s'))
    .addOption(connectionsOption())
    .addOption(workersOption())
    .addOption(stagesOption())
    .addOption(seedOption())
    .addOption(outOption());
  return addMeasuringOptions(command)
    .addOption(jsonOption('the RunResult'))
    .addHelpText(
      'after',
      `
Rates are doubled (or halved) until one holds and one does not, then the interval is halved until its ends are a tenth
apart; both ends are driven twice. About ten steps a stage, each on the data that the steps before it left.

Exit code 0 when the last stage holds the rate of the scenario (or --rate), 1 when it does not, 3 when that is not clear.

Examples:
  pgrehearse capacity
  pgrehearse capacity webhooks --stages after --rate 2000 --step 20s`,
    )
    .action(async (scenario: string, flags: CapacityFlags) => {
      const result = await measure({ scenario, flags, load: loadOf(flags) }, context, measureCapacity);
      context.exitCode = result.verdict?.exitCode ?? 0;
    });
}

function loadOf({ rate, step, connections }: CapacityFlags): Partial<LoadSpec> {
  return {
    durationMs: step,
    warmupMs: Math.min(longestWarmupMs, step / 2),
    ...(rate === undefined ? {} : { ratePerSecond: rate }),
    ...(connections === undefined ? {} : { connections }),
  };
}
