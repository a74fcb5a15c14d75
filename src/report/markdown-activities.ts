/** What servers did of their own beside the load: checkpoints and autovacuum, as text and for the time axis. */
import type { Block, RunResult } from '../result.ts';
import { formatMs, formatPlural } from './format.ts';
import { escapeText } from './markdown-text.ts';

/** Milliseconds since the first counted arrival of the block. */
interface Activity {
  what: string;
  fromMs: number;
  toMs: number;
}

/** Those that reach into the measured time of the block, cut to it. */
export function activitiesOf({ evidence = [] }: RunResult, stage: string, block: Block): Activity[] {
  const originMs = Date.parse(block.startedAt) + block.warmupMs;
  const seen = evidence.find((own) => own.stage === stage)?.activities ?? [];
  return seen.flatMap(({ what, startedAt, durationMs }) => {
    const fromMs = Math.max(0, Date.parse(startedAt) - originMs);
    const toMs = Math.min(block.measuredMs, Date.parse(startedAt) + durationMs - originMs);
    return toMs < fromMs ? [] : [{ what, fromMs, toMs }];
  });
}

/** A line for each kind of work of each stage; '' where none was seen. */
export function serverActivities(result: RunResult): string {
  const lines = result.blocks.flatMap((block) => {
    const seen = activitiesOf(result, block.stage, block);
    return [...new Set(seen.map(({ what }) => what))].map((what) => {
      const times = seen.filter((own) => own.what === what);
      const longestMs = Math.max(...times.map(({ fromMs, toMs }) => toMs - fromMs));
      const often = times.length === 1 ? '' : `${formatPlural(times.length, 'time')}, the longest `;
      return `- ${escapeText(block.stage)}, ${escapeText(what)}: ${often}${formatMs(longestMs)} from ${formatMs(times[0]!.fromMs)} on`;
    });
  });
  if (lines.length === 0) return '';
  return ['Work of the server of its own (bands in the chart):', '', ...lines].join('\n');
}
