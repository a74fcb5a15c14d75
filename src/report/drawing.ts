/** How every chart looks: one frame, one set of colours, axes with units. ECharts draws it as SVG without a browser. */
import { createRequire } from 'node:module';
import { formatCount, formatMs, formatRate, formatShare } from './format.ts';

/** One file, read with the first chart: hundreds of modules would be most of what any command needs to start. */
const echarts = (): typeof import('echarts') => createRequire(import.meta.url)('echarts') as typeof import('echarts');

/** Readable on white and on GitHub's dark ground. */
export const colours = {
  ink: '#7d8590',
  grid: 'rgba(125, 133, 144, 0.25)',
  limit: '#e5534b',
  first: '#d97706',
  last: '#2f81f7',
  between: ['#8957e5', '#2da44e', '#bf4b8a', '#12a4a4'],
};

/** The first and the last stage always have the same colours. */
export function stageColour(index: number, stages: number): string {
  if (index === stages - 1) return colours.last;
  return index === 0 ? colours.first : colours.between[(index - 1) % colours.between.length]!;
}

// Double quotes in a family name would end the attribute that it is written into.
const fontFamily = 'Helvetica, Arial, sans-serif';

export const labelStyle = { fontFamily, fontSize: 12, color: colours.ink };

const width = 880;

/** A series of ECharts; series of one name share an entry of the legend. */
export type Series = Record<string, unknown> & { name: string };

interface Drawing {
  /** Prefix of identifiers inside of the SVG: pictures on one page must not share them. */
  id: string;
  title: string;
  height: number;
  right: number;
  xAxis: object;
  yAxis: object;
  series: Series[];
}

/** Draws one chart as SVG text. */
export function drawSvg({ id, title, height, right, xAxis, yAxis, series }: Drawing): string {
  const names = [...new Set(series.map(({ name }) => name))];
  const chart = echarts().init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily },
      title: { text: title, left: 8, top: 6, textStyle: { ...labelStyle, fontSize: 14, fontWeight: 'bold' } },
      legend: {
        left: 4,
        top: 28,
        icon: 'circle',
        itemWidth: 9,
        itemHeight: 9,
        itemGap: 40,
        textStyle: labelStyle,
        data: names,
      },
      grid: {
        left: 28,
        right,
        top: 64 + legendRows(names) * 20,
        bottom: 12,
        outerBoundsMode: 'same',
        outerBoundsContain: 'axisLabel',
      },
      xAxis,
      yAxis,
      series,
    });
    return asPicture(chart.renderToSVGString(), id);
  } finally {
    chart.dispose();
  }
}

/**
 * Nobody hovers over a picture, so its style sheet goes; and the identifiers that ECharts counts over the life of a process
 * become the picture's own, the same every time. Quotes and brackets in labels are escaped, so labels cannot look like either.
 */
function asPicture(svg: string, id: string): string {
  return svg
    .replace(/<style\b.*?<\/style>\s*/s, '')
    .replaceAll(/ class="zr[\w-]*"/g, '')
    .replaceAll(/(?<=id="|url\(#)zr\d+-/g, `${id}-`);
}

/** Lines that the legend will need: there is no browser here to measure text. */
function legendRows(names: string[]): number {
  let rows = 1;
  let used = 0;
  for (const name of names) {
    const needed = name.length * 7.5 + 48;
    if (used > 0 && used + needed > width) {
      rows++;
      used = 0;
    }
    used += needed;
  }
  return rows;
}

/** One row for each name, from the top, with room for a figure between the name and the axis. */
export function categoryAxis(names: readonly string[]): object {
  return {
    type: 'category',
    inverse: true,
    data: names,
    axisLabel: { ...labelStyle, interval: 0, margin: 58 },
    axisLine: { show: false },
    axisTick: { show: false },
  };
}

/** Percentiles from the middle to the tail, evenly spaced. */
export function percentileAxis(labels: readonly string[]): object {
  return { type: 'category', data: labels, axisLabel: { ...labelStyle, interval: 0 }, ...axisLines };
}

/** A logarithmic axis of milliseconds over whole decades around the values. */
export function logAxis(values: readonly (number | undefined)[]): object {
  const present = values.filter((value) => value !== undefined);
  return {
    type: 'log',
    min: 10 ** Math.floor(Math.log10(Math.min(...present) * 0.95)),
    max: 10 ** Math.ceil(Math.log10(Math.max(...present) * 1.05)),
    axisLabel: { ...labelStyle, formatter: decadeOfMs },
    ...axisLines,
  };
}

/** Powers of ten read as such: 100 s rather than 1 min 40 s. */
function decadeOfMs(ms: number): string {
  return ms < 1000 ? formatMs(ms) : `${formatCount(ms / 1000)} s`;
}

/** A logarithmic axis of ratios as percentages, over whole doublings around the values. */
export function ratioAxis(values: readonly number[]): object {
  return {
    type: 'log',
    logBase: 2,
    min: 2 ** Math.floor(Math.log2(Math.min(...values) * 0.97)),
    max: 2 ** Math.ceil(Math.log2(Math.max(...values) * 1.03)),
    axisLabel: { ...labelStyle, formatter: (ratio: number) => formatShare(ratio) },
    ...axisLines,
  };
}

/** A logarithmic axis of events a second, a little wider than the values. */
export function logRateAxis(values: readonly number[]): object {
  return {
    type: 'log',
    min: Math.min(...values) / 1.2,
    max: Math.max(...values) * 1.2,
    axisLabel: {
      ...labelStyle,
      formatter: (rate: number) => formatRate(rate),
      hideOverlap: true,
      showMinLabel: false,
      showMaxLabel: false,
    },
    ...axisLines,
  };
}

/** Seconds since the first counted arrival. */
export function timeAxis(seconds: number): object {
  return {
    type: 'value',
    min: 0,
    max: seconds,
    axisLabel: { ...labelStyle, formatter: (second: number) => `${formatCount(second)} s` },
    ...axisLines,
    splitLine: { show: false },
  };
}

/** Events a second, from zero. */
export function rateAxis(): object {
  return {
    type: 'value',
    min: 0,
    axisLabel: { ...labelStyle, formatter: (rate: number) => `${formatCount(rate)}/s` },
    ...axisLines,
  };
}

const axisLines = {
  axisLine: { show: true, lineStyle: { color: colours.grid } },
  axisTick: { show: false },
  splitLine: { show: true, lineStyle: { color: colours.grid } },
};

export interface Limit {
  data: object[];
}

/** The limit of the SLO across a chart, its label outside of the plot. */
export function limitLine(axis: 'xAxis' | 'yAxis', limitMs: number): Limit & Record<string, unknown> {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: colours.limit, type: 'dashed', width: 1.5 },
    label: {
      ...labelStyle,
      color: colours.limit,
      // The rows run downwards, so a vertical line starts at the top.
      position: axis === 'xAxis' ? 'start' : 'end',
      formatter: () => `limit ${formatMs(limitMs)}`,
    },
    data: [{ [axis]: limitMs }],
  };
}

/** Text that XML can hold, on one line, short enough for a label. */
export function printable(text: string): string {
  const clean = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\uFFFE\uFFFF\s]+/gu, ' ')
    .trim();
  return clean.length > 40 ? `${clean.slice(0, 39).toWellFormed()}…` : clean;
}
