/** When transactions failed in a row, and how long it took until they no longer did, in report.md. */
import type { Outage, RunResult } from '../result.ts';
import { formatCount, formatMs } from './format.ts';
import { escapeText } from './markdown-text.ts';

/** A line for each outage of each stage; nothing where there was none. */
export function outages({ blocks }: Pick<RunResult, 'blocks'>): string {
  const lines = blocks.flatMap(({ stage, outages = [] }) =>
    outages.map((outage) => `- ${escapeText(stage)}: ${describe(outage)}`),
  );
  if (lines.length === 0) return '';
  return ['Outages, from the first arrival that failed to the end of the last:', '', ...lines].join('\n');
}

function describe({ offsetMs, durationMs, failed, scheduled, recovered }: Outage): string {
  const what = `from ${formatMs(offsetMs)} on, ${formatCount(failed)} of ${formatCount(scheduled)} failed`;
  return recovered ? `${what}; recovered after ${formatMs(durationMs)}` : `${what}, up to the end`;
}
