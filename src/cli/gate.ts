import { dirname } from 'node:path';
import { Command } from 'commander';
import { rejudge } from '../rejudge.ts';
import { renderSummary } from '../report/summary.ts';
import { readResult } from '../result-file.ts';
import { readConfig, type CommandContext } from './context.ts';
import { configOption, jsonOption, thresholdOptions, thresholdsOf, type ThresholdFlags } from './options.ts';
import { noteExitCode, outputOptions, writeOutputs, type OutputFlags } from './outputs.ts';

interface GateFlags extends ThresholdFlags, OutputFlags {
  config?: string;
  json?: boolean;
}

export function gateCommand(context: CommandContext): Command {
  const command = new Command('gate')
    .description('judge a stored result again, with other thresholds')
    .argument('<result>', 'result.json of a run, or its folder');
  for (const option of [...thresholdOptions(), ...outputOptions()]) command.addOption(option);
  return command
    .addOption(configOption())
    .addOption(jsonOption('the verdict'))
    .addHelpText(
      'after',
      `
Thresholds come from the run, then from the config file, then from the flags. Nothing is measured, and the
stored result stays as it is. Another limit of the SLO is counted again from the raw samples beside it.

Examples:
  pgrehearse gate reports/runs/<id>
  pgrehearse gate reports/runs/<id> --slo 'p99<100ms' --max-regression 5%
  pgrehearse gate result.json --junit gates.xml --on-inconclusive warn`,
    )
    .action(async (path: string, flags: GateFlags) => {
      const { config } = await readConfig(flags);
      const result = await readResult(path);
      const folder = path.endsWith('.json') ? dirname(path) : path;
      const asked = thresholdsOf(flags);
      const judged = await rejudge(result, folder, {
        slo: { ...config.slo, ...asked.slo },
        gate: { ...config.gate, ...asked.gate },
      });
      await writeOutputs(judged, flags);
      console.log(
        flags.json
          ? JSON.stringify(judged.verdict)
          : renderSummary(judged, { color: process.stdout.isTTY, columns: process.stdout.columns || 100 }),
      );
      noteExitCode(context, judged, flags);
    });
}
