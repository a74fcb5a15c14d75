/**
 * The gate of stalls. Pairs of blocks compare what is typical and are blind to a stall in every twentieth second, so stalls are
 * counted: did the last stage have more of them than the first?
 */
import type { Comparison, Side } from '../comparison/record.ts';
import { formatPlural, formatShare } from '../report/format.ts';
import type { Block, Gate, RunResult } from '../result.ts';
import { binomialTail } from '../stats/binomial.ts';

/** A false alarm in a hundred runs at most: stalls come from outside too. */
const tail = 0.01;

interface Count {
  stalls: number;
  seconds: number;
}

/**
 * A stall is one or several seconds in a row whose p95 misses the limit of the SLO, counted once. Given all stalls of both stages,
 * those of the last are binomial with its share of the time if it is no worse (Przyborowski and Wilenski 1940).
 */
export function judgeStalls(result: RunResult): Gate[] {
  const { comparison, blocks, slo } = result;
  if (comparison === undefined) return [];
  const alone = (stage: string): Count => stallsAlone(blocks, stage, slo.limitMs);
  const first = sum(alone(comparison.before), stallsInPairs(comparison, ['before', 'twin']));
  const last = sum(alone(comparison.after), stallsInPairs(comparison, ['after']));
  if (first.seconds === 0 || last.seconds === 0) return [];
  const share = last.seconds / (first.seconds + last.seconds);
  const pValue = binomialTail(last.stalls, first.stalls + last.stalls, share);
  const worse = pValue < tail;
  const counts = `${describe(comparison.after, last)}, ${describe(comparison.before, first)}`;
  return [
    {
      name: 'stalls',
      outcome: worse ? 'fail' : 'pass',
      stage: comparison.after,
      reason: worse
        ? `more stalls: ${counts}; chance alone gives as many with a probability of ${formatShare(pValue)}.`
        : `no more stalls than before: ${counts}.`,
    },
  ];
}

function describe(stage: string, { stalls, seconds }: Count): string {
  const perMinute = (stalls / seconds) * 60;
  return `"${stage}" had ${formatPlural(stalls, 'stall')} in ${Math.round(seconds)} s${stalls === 0 ? '' : ` (${perMinute.toFixed(1)} a minute)`}`;
}

function stallsAlone(blocks: readonly Block[], stage: string, limitMs: number): Count {
  const own = blocks.filter((block) => block.stage === stage && block.outcome === 'complete');
  return own.reduce((total, block) => sum(total, stallsOver(block, limitMs)), { stalls: 0, seconds: 0 });
}

function stallsOver({ timeline, measuredMs }: Block, limitMs: number): Count {
  const slow = timeline.map(({ p95Us }) => p95Us > limitMs * 1000);
  return { stalls: slow.filter((is, at) => is && !slow[at - 1]).length, seconds: measuredMs / 1000 };
}

/** At most one in each block: it is too short for two. */
function stallsInPairs({ pairs, plan }: Comparison, sides: readonly Side[]): Count {
  const blocks = pairs.flatMap((pair) => pair.blocks).filter((block) => sides.includes(block.side));
  const finished = blocks.filter(({ outcome }) => outcome !== 'interrupted');
  return {
    stalls: finished.filter(({ slowSeconds }) => slowSeconds > 0).length,
    seconds: (finished.length * (plan.blockMs - plan.washoutMs)) / 1000,
  };
}

function sum(one: Count, other: Count): Count {
  return { stalls: one.stalls + other.stalls, seconds: one.seconds + other.seconds };
}
