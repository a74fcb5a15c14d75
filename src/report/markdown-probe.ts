/** The tables of a probe: what each read costs by itself, and where the time goes. */
import type { ProbeFigures, RunResult } from '../result.ts';
import { formatCount, formatUs } from './format.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';
import { describeImprovement, describeTime, probeGroups } from './probe-groups.ts';

/** Parts in the order of the report. */
export function probeTables(result: RunResult): string[] {
  const groups = probeGroups(result);
  if (groups.length === 0) return ['Nothing was timed.'];
  const several = result.stages.length > 1;
  const names = result.stages.map(({ name }) => escapeText(name));
  const rows = groups.map(({ transaction, class: name, figures }) => {
    const times = figures.map((found) => describeTime(found));
    const change = several ? describeImprovement(figures[0], figures.at(-1)) : [];
    return [transaction, name ?? ''].map((text) => escapeText(text)).concat(times, change, figures.map(serverTimes));
  });
  return [
    'Median time of each read, one at a time on a warm connection, without load; beside it planning and execution as the server has them.',
    table(
      [
        'Transaction',
        'Parameters',
        ...names.map(toRight),
        ...(several ? [toRight('Improvement')] : []),
        ...names.map((name) => toRight(`${name}: plan + execution`)),
      ],
      rows,
    ),
    details('Every figure', everyFigure(result.probe ?? [])),
  ];
}

function serverTimes(figures: ProbeFigures | undefined): string {
  if (figures?.planUs === undefined || figures.executionUs === undefined) return '';
  return `${formatUs(figures.planUs)} + ${formatUs(figures.executionUs)}`;
}

function everyFigure(probe: readonly ProbeFigures[]): string {
  const rows = probe.map((one) => {
    const counts = [one.runs, one.parameterSets].map((count) => formatCount(count));
    const times = [one.minUs, one.meanUs, one.p50Us, one.p95Us, one.maxUs].map((us) => formatUs(us));
    const losses = [one.timedOut, one.failed].map((count) => formatCount(count));
    return [one.transaction, one.class ?? '', one.stage].map((text) => escapeText(text)).concat(counts, times, losses);
  });
  const figures = ['Runs', 'Sets', 'Min', 'Mean', 'p50', 'p95', 'Max', 'Timed out', 'Failed'];
  return table(['Transaction', 'Parameters', 'Stage', ...figures.map(toRight)], rows);
}
