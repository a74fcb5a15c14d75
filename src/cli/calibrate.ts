import { Command, Option } from 'commander';
import { calibrate } from '../calibrate.ts';
import type { PresetName } from '../comparison/record.ts';
import { combineCalibrations } from '../calibration/combine.ts';
import { UsageError } from '../errors.ts';
import { writeReport } from '../report/write.ts';
import { readResults, writeResult } from '../result-file.ts';
import type { CommandContext } from './context.ts';
import { givenCommand, measure, printResult, type MeasureFlags } from './measure.ts';
import {
  blockOption,
  jsonOption,
  outOption,
  pairsOf,
  pairsOption,
  parseWhole,
  rateOption,
  scaleOption,
  seedOption,
  workersOption,
  type PairFlags,
} from './options.ts';
import { addMeasuringOptions } from './server-options.ts';

interface CalibrateFlags extends MeasureFlags, PairFlags {
  combine?: string[];
  stage?: string;
  rounds: number;
  rate?: number;
  preset: PresetName;
}

export function calibrateCommand(context: CommandContext): Command {
  const command = new Command('calibrate')
    .description('compare a stage with itself, to learn how often this machine cries wolf')
    .argument('[scenario]', 'name, or path of a scenario file', 'webhooks')
    .addOption(new Option('--stage <name>', 'the stage (default: the last)'))
    .addOption(new Option('--rounds <n>', 'comparisons').argParser(parseWhole).default(20))
    .option(
      '--combine <dirs...>',
      'measure nothing: the figures of these calibrations together, as of one; --out keeps them',
    )
    .addOption(new Option('--preset <name>', 'of each comparison').choices(['quick', 'standard']).default('quick'))
    .addOption(pairsOption())
    .addOption(blockOption())
    .addOption(scaleOption())
    .addOption(rateOption())
    .addOption(workersOption())
    .addOption(seedOption())
    .addOption(outOption());
  return addMeasuringOptions(command)
    .addOption(jsonOption('the RunResult'))
    .addHelpText(
      'after',
      `
Nothing differs between the two sides, so every round that fails is a false alarm. Tells their rate with its bound,
how far the two blocks of a pair lie apart here, and how many pairs a margin needs. A quick round takes five minutes.
Rounds that no single session has the time for are run in parts and combined; an interrupted part counts with what it finished.

Examples:
  pgrehearse calibrate webhooks
  pgrehearse calibrate ./load/shop.ts --rounds 5 --scale 0.1
  pgrehearse calibrate --combine reports/runs/<id> reports/runs/<other> --out reports/calibration`,
    )
    .action(async (scenario: string, flags: CalibrateFlags) => {
      if (flags.combine !== undefined) return combineStored(flags.combine, flags);
      if (flags.rounds === 0)
        throw new UsageError('A calibration needs at least one round.', { hint: 'Give --rounds 20.' });
      const { stage, rate, preset } = flags;
      const request = {
        scenario,
        flags: stage === undefined ? flags : { ...flags, stages: [stage] },
        ...(rate === undefined ? {} : { load: { ratePerSecond: rate } }),
        comparison: { preset, ...pairsOf(flags) },
      };
      await measure(request, context, (plan, control) => calibrate(plan, flags.rounds, control));
    });
}

/** A combined calibration is a result like any other: with --out it is kept, with its report. */
async function combineStored(folders: readonly string[], { out, json }: CalibrateFlags): Promise<void> {
  const combined = { ...combineCalibrations(await readResults(folders)), command: givenCommand() };
  if (out !== undefined) {
    await writeResult(out, combined);
    await writeReport(out, combined);
  }
  printResult(combined, out, { json });
}
