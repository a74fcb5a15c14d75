/** The latency tables of report.md: every transaction, stage below stage, and its classes of parameters. */
import type { Percentiles, RunResult } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import type { StageFigures } from '../stage-figures.ts';
import { describeChange, describeTroubles, leastForP95, rowOf } from './comparison.ts';
import type { LatencyRow } from './comparison.ts';
import { formatCount, formatRate, formatShare, formatUs } from './format.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** Two rows a transaction, one below the other, so that the figures can be compared by eye. */
export function byTransaction(result: RunResult): string {
  const stages = result.stages.flatMap(({ name }) => figuresOf(result, name) ?? []);
  if (stages.length === 0) return '';
  const all = stageRows('**all transactions**', stages, ({ mainBlock }) => rowOf(mainBlock));
  const each = result.scenario.transactions.flatMap(({ name }) =>
    stageRows(escapeText(name), stages, ({ mainBlock }) => mainBlock.transactions.find((item) => item.name === name)),
  );
  const marked = stages.some(({ saturatedBlock }) => saturatedBlock)
    ? ' († service time: the stage was saturated)'
    : '';
  return [
    '## By transaction',
    `Response time, from the instant a transaction was due to its end${marked}; rates are of completed transactions; ` +
      '~ marks percentiles of too few transactions to tell them from the maximum.',
    table(
      ['Transaction', 'Stage', ...['Rate', 'p50', 'p95', 'p99', 'Max', 'Missed', 'Errors', 'p95 change'].map(toRight)],
      [...all, ...each],
    ),
    byClass(result, stages),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function stageRows(
  label: string,
  stages: readonly StageFigures[],
  pick: (figures: StageFigures) => LatencyRow | undefined,
): string[][] {
  const first = pick(stages[0]!);
  // Queueing on one side would be compared with its absence on the other: service times are alike on both.
  const time = stages.some(({ saturatedBlock }) => saturatedBlock) ? 'service' : 'response';
  return stages.map((figures, index) => {
    const row = pick(figures);
    const change = index > 0 && first && row ? describeChange(time, first, row) : '';
    return [index === 0 ? label : '', escapeText(figures.stage), ...latencyCells(figures, row), change];
  });
}

function latencyCells({ mainBlock, saturatedBlock }: StageFigures, row: LatencyRow | undefined): string[] {
  if (!row || row.counts.scheduled === 0) return ['did not occur', '', '', '', '', '', ''];
  const { counts, missed } = row;
  const rate = mainBlock.measuredMs > 0 ? (counts.succeeded * 1000) / mainBlock.measuredMs : 0;
  const times = saturatedBlock ? timeCells(row.service, ' †') : timeCells(row.response);
  return [formatRate(rate)].concat(times, formatShare(missed / counts.scheduled), describeTroubles(row));
}

/** p50, p95, p99 and maximum; '~' where too few samples stand behind a percentile to tell it from the maximum. */
function timeCells({ count, p50Us, p95Us, p99Us, maxUs }: Percentiles, mark = ''): string[] {
  const cell = (us: number, least: number) => `${count < least ? '~' : ''}${formatUs(us)}${mark}`;
  if (count === 0) return ['none sent', '', '', ''];
  return [cell(p50Us, 2), cell(p95Us, leastForP95), cell(p99Us, leastForP95 * 5), cell(maxUs, 1)];
}

function byClass(result: RunResult, stages: readonly StageFigures[]): string {
  const rows = result.scenario.transactions.flatMap(({ name }) =>
    stages.flatMap(({ stage, mainBlock, saturatedBlock }) => {
      const classes = mainBlock.transactions.find((item) => item.name === name)?.classes ?? {};
      return Object.entries(classes).map(([className, { count, missed, response, service }]) => {
        const times = saturatedBlock ? timeCells(service, ' †') : timeCells(response);
        const share = count > 0 ? formatShare(missed / count) : '';
        return [name, className, stage].map((text) => escapeText(text)).concat(formatCount(count), times, share);
      });
    }),
  );
  if (rows.length === 0) return '';
  const figures = ['Arrivals', 'p50', 'p95', 'p99', 'Max', 'Missed'].map(toRight);
  return details('By class of parameters', table(['Transaction', 'Class', 'Stage', ...figures], rows));
}
