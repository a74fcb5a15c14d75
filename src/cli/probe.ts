import { Command, Option } from 'commander';
import { probe } from '../probe.ts';
import type { CommandContext } from './context.ts';
import { measure, type MeasureFlags } from './measure.ts';
import { jsonOption, outOption, parseDuration, scaleOption, seedOption, stagesOption } from './options.ts';
import { addMeasuringOptions } from './server-options.ts';

interface ProbeFlags extends MeasureFlags {
  budget: number;
  timeout?: number;
}

export function probeCommand(context: CommandContext): Command {
  const command = new Command('probe')
    .description('time every read by itself in each stage, without load')
    .argument('[scenario]', 'name, or path of a scenario file', 'webhooks')
    .addOption(scaleOption())
    .addOption(
      new Option('--budget <time>', 'time for each transaction and class of parameters')
        .argParser(parseDuration)
        .default(2000, '2s'),
    )
    .addOption(
      new Option('--timeout <time>', "of each statement (default: the scenario's, for its load)").argParser(
        parseDuration,
      ),
    )
    .addOption(stagesOption())
    .addOption(seedOption())
    .addOption(outOption());
  return addMeasuringOptions(command)
    .addOption(jsonOption('the RunResult'))
    .addHelpText(
      'after',
      `
Warm, one at a time, with the same parameters in every stage; planning is told apart from execution. Transactions
that write are left out. There is no verdict: what users feel under load is what \`pgrehearse run\` measures.

Examples:
  pgrehearse probe
  pgrehearse probe webhooks --scale 0.1 --budget 5s
  pgrehearse probe webhooks --stages all --timeout 6m --out reports/webhooks-probe`,
    )
    .action(async (scenario: string, flags: ProbeFlags) => {
      await measure({ scenario, flags, ...loadOf(flags) }, context, (plan, control) =>
        probe(plan, { budgetMs: flags.budget, ...control }),
      );
    });
}

function loadOf({ timeout }: ProbeFlags): { load?: { statementTimeoutMs: number } } {
  return timeout === undefined ? {} : { load: { statementTimeoutMs: timeout } };
}
