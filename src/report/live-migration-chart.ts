/** The time axis of the worst repeat in tenths of a second: what was completed, how long the slowest waited, where the migration was. */
import { worstOf } from '../live-migration/advice.ts';
import type { LiveMigration, LiveRepeat } from '../live-migration/record.ts';
import { colours, drawSvg, labelStyle, limitLine, logAxis, timeAxis, type Series } from './drawing.ts';
import { formatCount } from './format.ts';

const bucketsPerSecond = 10;

/** The charts by file name; none before the first repeat. */
export function renderLiveMigrationCharts(live: LiveMigration, limitMs: number): Record<string, string> {
  const worst = worstOf(live.repeats);
  if (worst === undefined) return {};
  const seconds = worst.buckets.length / bucketsPerSecond;
  const at = (index: number): number => index / bucketsPerSecond;
  const slowest = worst.buckets.map(({ worstMs, scheduled }, index): [number, number | null] => [
    at(index),
    scheduled === 0 ? null : Math.max(worstMs, 0.1),
  ]);
  const svg = drawSvg({
    id: 'migration-over-time',
    title: 'Slowest response of each tenth of a second, by the instant at which it was due',
    height: 340,
    right: 100,
    xAxis: timeAxis(Math.ceil(seconds)),
    yAxis: logAxis([...slowest.flatMap(([, value]) => value ?? []), limitMs]),
    series: [
      {
        ...line('slowest response', colours.last, slowest),
        markLine: limitLine('yAxis', limitMs),
      },
      ...windowOf(worst, slowest),
    ],
  });
  return { 'migration-over-time.svg': svg, 'migration-throughput.svg': throughput(worst, seconds) };
}

/** The same line in another colour while the migration ran. */
function windowOf(
  { migrationStartMs, migrationEndMs }: { migrationStartMs: number; migrationEndMs: number },
  points: readonly [number, number | null][],
): Series[] {
  const during = points.filter(
    ([second]) => second * 1000 >= migrationStartMs - 100 && second * 1000 <= migrationEndMs + 100,
  );
  return [line('while the migration ran', colours.limit, during)];
}

function throughput(worst: LiveRepeat, seconds: number): string {
  const completed = worst.buckets.map(({ completed }, index): [number, number] => [
    index / bucketsPerSecond,
    completed * bucketsPerSecond,
  ]);
  return drawSvg({
    id: 'migration-throughput',
    title: 'Transactions completed a second, by tenths of a second',
    height: 260,
    right: 40,
    xAxis: timeAxis(Math.ceil(seconds)),
    yAxis: {
      type: 'value',
      min: 0,
      axisLabel: { ...labelStyle, formatter: (rate: number) => `${formatCount(rate)}/s` },
      splitLine: { show: true, lineStyle: { color: colours.grid } },
    },
    series: [line('completed', colours.last, completed), ...windowOf(worst, completed)],
  });
}

function line(name: string, color: string, data: readonly [number, number | null][]): Series {
  return { type: 'line', name, showSymbol: false, itemStyle: { color }, lineStyle: { color, width: 1.5 }, data };
}
