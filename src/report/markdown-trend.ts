/** Series of runs over time, for the terminal and as Markdown. */
import type { Trend, TrendChange, TrendPoint, TrendSeries } from '../trend/series.ts';
import { leastSegment } from '../stats/change-points.ts';
import { describeCommit } from './commit.ts';
import { formatCount, formatInstant, formatPlural, formatRatio, formatShare, formatUs } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';
import { renderTrendChart } from './trend-chart.ts';

/** Markdown, with charts where `charts` names them, series by series. */
export function renderTrend({ series, leftOut }: Trend, charts: readonly string[] = []): string {
  const parts = [
    '# Runs over time',
    `${formatPlural(series.length, 'series', 'series')}. Runs that differ in a condition measured different things, so they are never mixed.`,
    ...series.map((one, index) => seriesSection(one, charts[index])),
    leftOut.length === 0 ? '' : `Left out:\n\n${leftOut.map((text) => `- ${escapeText(text)}`).join('\n')}`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** trend.md and its charts, by file name. */
export function renderTrendFiles(trend: Trend): Record<string, string> {
  const charts = trend.series.map((series, index) => {
    const id = `trend-${index + 1}`;
    return [`${id}.svg`, renderTrendChart(series, id)] as const;
  });
  const markdown = renderTrend(
    trend,
    charts.map(([name]) => name),
  );
  return { ...Object.fromEntries(charts), 'trend.md': markdown };
}

function seriesSection(series: TrendSeries, chart: string | undefined): string {
  const { conditions, stage, transaction, points } = series;
  const of = transaction === undefined ? '' : `, ${escapeText(transaction)}`;
  const parts = [
    `## ${escapeText(conditions[0]!.value)}: ${escapeText(stage)}${of}`,
    conditions.map(({ name, value }) => `${name} ${escapeText(value)}`).join('; '),
    describeChanges(series),
    chart === undefined ? '' : `![p95 of the response time, run by run](${chart})`,
    table(
      ['Started', 'Commit', ...['p95', 'Typical after / before'].map(toRight), 'Verdict', 'Change'],
      points.map((point) => pointRow(point, series.changes)),
    ),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeChanges({ changes, points }: TrendSeries): string {
  if (points.length < 2 * leastSegment) {
    return `${formatPlural(points.length, 'run')}; changes of level are looked for from ${2 * leastSegment} runs on.`;
  }
  const count = changes.length === 0 ? 'no change' : formatPlural(changes.length, 'change');
  return `${formatCount(points.length)} runs, ${count} of level (p up to 1 %).`;
}

function pointRow(point: TrendPoint, changes: readonly TrendChange[]): string[] {
  const { id, startedAt, commit, p95Us, saturated, ratio, outcome } = point;
  const here = changes.filter(({ first }) => first === id);
  return [
    formatInstant(startedAt),
    commit === undefined ? '' : describeCommit(commit),
    `${saturated ? '≥' : ''}${formatUs(p95Us)}`,
    ratio === undefined ? '' : formatShare(ratio),
    outcome ?? '',
    here.map(({ figure, factor }) => `**${figure} ${formatRatio(factor)}**`).join(', '),
  ];
}
