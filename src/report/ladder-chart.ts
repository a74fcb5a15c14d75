/** p95 down a ladder of stages: one row for each, on a logarithmic axis beside the limit. */
import type { ChartStage } from './charts.ts';
import { categoryAxis, colours, drawSvg, labelStyle, limitLine, logAxis } from './drawing.ts';
import type { Series } from './drawing.ts';
import { formatMs } from './format.ts';

/** The chart by its file name. Of a saturated stage the service time: its response times grew for as long as the load lasted. */
export function renderLadderChart(stages: readonly ChartStage[], limitMs: number): Record<string, string> {
  const values = stages.map(p95Ms);
  const dots = (saturated: boolean) =>
    stages.flatMap(({ saturatedBlock }, row) =>
      (saturatedBlock !== undefined) === saturated ? [dot(values[row]!, row)] : [],
    );
  const kinds: Series[] = [
    { ...look, name: 'response time', itemStyle: { color: colours.last }, data: dots(false) },
    {
      ...look,
      name: 'service time of stages that were saturated',
      itemStyle: { color: colours.first },
      data: dots(true),
    },
  ];
  const present = kinds.filter(({ data }) => (data as object[]).length > 0);
  const limit = limitLine('xAxis', limitMs);
  const series = present.map((kind, at) => (at === 0 ? Object.assign(kind, { markLine: limit }) : kind));
  const svg = drawSvg({
    id: 'latency-by-stage',
    title: 'p95 of each stage',
    height: stages.length * 30 + 116,
    right: 64,
    xAxis: logAxis([...values, limitMs]),
    yAxis: categoryAxis(stages.map(({ label }) => label)),
    series,
  });
  return { 'latency-by-stage.svg': svg };
}

const look = { type: 'scatter', symbolSize: 12, z: 3 };

function p95Ms({ mainBlock, saturatedBlock }: ChartStage): number {
  const { service, response } = mainBlock.total;
  return Math.max((saturatedBlock ? service : response).p95Us, 1) / 1000;
}

function dot(value: number, row: number): object {
  const label = { ...labelStyle, show: true, position: 'right', distance: 6, formatter: () => formatMs(value) };
  return { value: [value, row], label };
}
