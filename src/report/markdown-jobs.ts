/** What the background jobs did beside the load, in report.md. */
import type { JobRun, RunResult } from '../result.ts';
import { formatMs, formatPlural } from './format.ts';
import { escapeText } from './markdown-text.ts';

/** A line for each job of each stage; nothing where no job ran. */
export function backgroundJobs({ blocks }: RunResult): string {
  const lines = blocks.flatMap(({ stage, jobs = [] }) =>
    [...new Set(jobs.map(({ name }) => name))].map((name) => {
      const runs = jobs.filter((job) => job.name === name);
      return `- ${escapeText(stage)}, ${escapeText(name)}: ${describeRuns(runs)}`;
    }),
  );
  if (lines.length === 0) return '';
  return ['Background jobs beside the load (dotted lines in the chart: where they began):', '', ...lines].join('\n');
}

function describeRuns(runs: readonly JobRun[]): string {
  const longestMs = Math.max(...runs.map(({ durationMs }) => durationMs));
  const failed = runs.filter(({ error }) => error !== undefined).length;
  const cutOff = runs.filter((run) => run.cutOff === true).length;
  return [
    `${formatPlural(runs.length, 'run')}, the longest ${formatMs(longestMs)}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cutOff > 0 ? [`${cutOff} cut off by the end of the load`] : []),
  ].join(', ');
}
