/** The figures of a probe, put side by side by transaction and class. */
import type { ProbeFigures, RunResult } from '../result.ts';
import { formatRatio, formatUs } from './format.ts';

export interface ProbeGroup {
  transaction: string;
  class: string | undefined;
  /** 'dashboard', 'dashboard (hot)'. */
  label: string;
  /** By stage, in the order of the stages; undefined where a stage was not reached. */
  figures: (ProbeFigures | undefined)[];
}

/** Groups in the order of the scenario, classes by name. */
export function probeGroups({ stages, probe = [] }: RunResult): ProbeGroup[] {
  const groups = new Map<string, ProbeGroup>();
  for (const { transaction, class: name } of probe) {
    const label = name === undefined ? transaction : `${transaction} (${name})`;
    const figures = stages.map((stage) =>
      probe.find((one) => one.stage === stage.name && one.transaction === transaction && one.class === name),
    );
    groups.set(label, { transaction, class: name, label, figures });
  }
  return [...groups.values()];
}

/** The median: '1.2 ms', '≥5 s' where the statement timeout ended half of the runs or more, '' where there is none. */
export function describeTime(figures: ProbeFigures | undefined): string {
  if (!figures) return '';
  if (figures.failed * 2 >= figures.runs) return 'failed';
  return `${isCut(figures) ? '≥' : ''}${formatUs(figures.p50Us)}`;
}

/** From the first to the last stage by their medians: '98x faster', '≥98x faster', '1.2x slower', 'same'. */
export function describeImprovement(first: ProbeFigures | undefined, last: ProbeFigures | undefined): string {
  if (!first || !last || [first, last].some(({ runs, failed, p50Us }) => failed * 2 >= runs || p50Us === 0)) return '';
  const size = formatRatio(Math.max(first.p50Us / last.p50Us, last.p50Us / first.p50Us));
  if (size === '1x') return 'same';
  // A bound on both sides says nothing about the ratio.
  if (isCut(last)) return isCut(first) ? '' : `≥${size} slower`;
  if (first.p50Us < last.p50Us) return `${size} slower`;
  return `${isCut(first) ? '≥' : ''}${size} faster`;
}

function isCut({ timedOut, runs }: ProbeFigures): boolean {
  return timedOut * 2 >= runs;
}
