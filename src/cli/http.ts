import { Command, Option } from 'commander';
import type { ComparisonRequest } from '../comparison/plan.ts';
import type { PresetName } from '../comparison/record.ts';
import { planHttp } from '../http/plan.ts';
import { runHttp } from '../http/run.ts';
import type { HttpLoadSpec } from '../http/spec.ts';
import type { CommandContext } from './context.ts';
import { awakeOf, measurePlanned, type MeasureFlags } from './measure.ts';
import {
  blockOption,
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
import { noteExitCode, outputOptions, writeOutputs, type OutputFlags } from './outputs.ts';

interface HttpFlags extends MeasureFlags, ThresholdFlags, OutputFlags, PairFlags {
  rate?: number;
  duration?: number;
  connections?: number;
  allowRemote?: boolean;
  closedLoop?: number;
  preset: PresetName | 'none';
}

export function httpCommand(context: CommandContext): Command {
  const command = new Command('http')
    .description('load an HTTP service, before and after')
    .argument('<scenario>', 'name, or path of a scenario file')
    .addOption(scaleOption())
    .addOption(new Option('--rate <rps>', 'requests a second offered to every stage').argParser(parsePositive))
    .addOption(new Option('--duration <time>', 'measured time of a stage, such as 60s').argParser(parseDuration))
    .addOption(new Option('--connections <n>', 'connections to the service (default: 100)').argParser(parseWhole))
    .addOption(workersOption())
    .addOption(stagesOption())
    .addOption(presetOption())
    .addOption(pairsOption())
    .addOption(blockOption())
    .addOption(
      new Option(
        '--closed-loop <time>',
        'after the load, let every connection ask again at once for so long (autocannon): capacity, not latency',
      ).argParser(parseDuration),
    )
    .addOption(new Option('--allow-remote', 'load a service on another machine'))
    .addOption(seedOption())
    .addOption(outOption());
  for (const option of [...thresholdOptions(), ...outputOptions()]) command.addOption(option);
  return addMeasuringOptions(command)
    .addOption(jsonOption('the RunResult'))
    .addHelpText(
      'after',
      `
Every stage gets the same requests at the same instants, at the rate that was asked for however slow the answers are
(open loop). A service with a command is started for each stage on a free port, with a database of its own where the
scenario has a workload; a service with a url is loaded as it is.

Examples:
  pgrehearse http ./load/service.ts
  pgrehearse http ./load/service.ts --stages after --rate 250 --duration 2m`,
    )
    .action(async (scenario: string, flags: HttpFlags) => {
      const { allowRemote, closedLoop: closedLoopMs } = flags;
      const asked = {
        load: loadOf(flags),
        comparison: comparisonOf(flags),
        allowRemote,
        closedLoopMs,
        ...thresholdsOf(flags),
      };
      const result = await measurePlanned(
        { scenario, flags },
        context,
        (common) => planHttp({ ...common, ...asked }),
        runHttp,
      );
      await writeOutputs(result, flags);
      noteExitCode(context, result, flags);
    });
}

const presetOption = () =>
  new Option(
    '--preset <name>',
    'how the first stage is compared with the last, where their databases are ours: quick (30 pairs of blocks, 4.5 min), ' +
      'standard (60, up to 240 where undecided), none',
  )
    .choices(['quick', 'standard', 'none'])
    .default('quick');

function comparisonOf({ preset, ...flags }: HttpFlags): ComparisonRequest | undefined {
  return preset === 'none' ? undefined : { preset, ...pairsOf(flags) };
}

function loadOf({ rate, duration, connections, ...flags }: HttpFlags): Partial<HttpLoadSpec> {
  return {
    ...awakeOf(flags),
    ...(rate === undefined ? {} : { ratePerSecond: rate }),
    ...(duration === undefined ? {} : { durationMs: duration }),
    ...(connections === undefined ? {} : { connections }),
  };
}
