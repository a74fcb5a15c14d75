/** The report of a calibration: how often equal stages were told apart, and what this machine can see. */
import { calibrationFigures, type CalibrationFigures } from '../calibration/figures.ts';
import type { CalibrationRound, RunResult } from '../result.ts';
import { defaultGate } from '../scenario.ts';
import { estimateCells } from './comparison.ts';
import { formatCount, formatInstant, formatPlural, formatShare } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/** The whole of report.md. */
export function renderCalibration(result: RunResult): string {
  const { calibration = [], scenario } = result;
  const parts = [
    `# Calibration: ${escapeText(scenario.title)}`,
    calibration.length === 0 ? 'No round was finished.' : describeCalibration(result).map(escapeText).join(' '),
    calibration.length === 0 ? '' : roundTable(calibration),
    `\`${result.command.replaceAll('`', "'")}\`, started ${formatInstant(result.startedAt)}.`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** Sentences for the terminal and the report. */
export function describeCalibration({ calibration = [], gate }: RunResult): string[] {
  const { maxRegression } = { ...defaultGate, ...gate };
  const figures = calibrationFigures(calibration, maxRegression);
  return [
    `${formatPlural(figures.rounds, 'comparison')} of "${calibration[0]!.stage}" with itself: ${alarms(figures)}, ` +
      `${formatCount(figures.inconclusive)} inconclusive.`,
    ...describePower(figures, maxRegression),
  ];
}

function describePower({ power }: CalibrationFigures, maxRegression: number): string[] {
  if (power === undefined) return ['Too few pairs were usable to tell what they can see.'];
  return [
    `Two blocks of a pair differ by a standard deviation of ${formatShare(power.deviation)}.`,
    `With a margin of ${formatShare(maxRegression)}, ${formatPlural(power.pairsToPass, 'pair')} pass an equal candidate and ` +
      `${formatCount(power.pairsToFail)} prove one that is ${formatShare(2 * maxRegression)} slower, in four runs of five.`,
    `The pairs measured here are enough for a margin of ${formatShare(power.margin)}.`,
  ];
}

function alarms({ falseAlarms, falseAlarmBound }: CalibrationFigures): string {
  return `${formatPlural(falseAlarms, 'false alarm')} (true rate below ${formatShare(falseAlarmBound)} with 95 % confidence)`;
}

function roundTable(rounds: readonly CalibrationRound[]): string {
  const columns = ['Ratio', '90 % interval', 'Allowed', 'Pairs', 'Thrown away', 'Deviation', 'One after the other'].map(
    toRight,
  );
  return table(
    ['Round', ...columns, 'Outcome', 'Why'],
    rounds.map(({ estimate, outcome, reason, pairs, discarded, deviation, naiveRatio }, at) => [
      String(at + 1),
      ...estimateCells(estimate),
      formatCount(pairs),
      formatCount(discarded),
      deviation === undefined ? '' : formatShare(deviation),
      formatShare(naiveRatio),
      outcome,
      outcome === 'pass' ? '' : escapeText(reason),
    ]),
  );
}
