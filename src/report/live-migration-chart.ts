/** The time axis of the worst repeat in tenths of a second: what was completed, how long the slowest waited, where the migration was, statement by statement. */
import { worstOf } from '../live-migration/advice.ts';
import type { LiveMigration, LiveRepeat } from '../live-migration/record.ts';
import { colours, drawSvg, labelStyle, limitLine, logAxis, timeAxis, type Series } from './drawing.ts';
import { formatCount } from './format.ts';

const bucketsPerSecond = 10;
const bucketMs = 1000 / bucketsPerSecond;

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
      ...phasesOf(worst, slowest),
    ],
  });
  return { 'migration-over-time.svg': svg, 'migration-throughput.svg': throughput(worst, seconds) };
}

/** The same line in other colours while the migration waited for a lock, and while it ran or held its locks. */
function phasesOf(worst: LiveRepeat, points: readonly [number, number | null][]): Series[] {
  const phases = points.map(([second]) => phaseAt(worst, second * 1000));
  const during = (phase: Phase): [number, number | null][] =>
    // The tenth of a second after it as well, so that the line goes on from where it was.
    points.map(([second, value], at) => [second, phases[at] === phase || phases[at - 1] === phase ? value : null]);
  return [
    ...(phases.includes('waiting') ? [line('waiting for a lock', colours.limit, during('waiting'))] : []),
    line('running, with its locks', colours.first, during('running')),
  ];
}

type Phase = 'waiting' | 'running';

/** Where the migration was in a tenth of a second; undefined before and after. */
function phaseAt({ statements, migrationStartMs, migrationEndMs }: LiveRepeat, atMs: number): Phase | undefined {
  const meets = (fromMs: number, toMs: number): boolean => fromMs < atMs + bucketMs && toMs > atMs;
  const waits = statements.flatMap((statement) => statement.waits ?? []);
  if (waits.some(({ fromMs, toMs }) => meets(fromMs, toMs))) return 'waiting';
  return meets(migrationStartMs, migrationEndMs) ? 'running' : undefined;
}

/** Shorter ones would stand upon each other. */
const shownMs = 100;

/** Where statements began, by their numbers in the table. */
function statementMarks({ statements }: LiveRepeat): object {
  const shown = statements.flatMap(({ startMs, endMs }, at) =>
    endMs - startMs < shownMs ? [] : [{ xAxis: startMs / 1000, label: { formatter: String(at + 1) } }],
  );
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: colours.ink, type: 'dotted', width: 1 },
    label: { ...labelStyle, position: 'end' },
    data: shown,
  };
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
    series: [
      { ...line('completed', colours.last, completed), markLine: statementMarks(worst) },
      ...phasesOf(worst, completed),
    ],
  });
}

function line(name: string, color: string, data: readonly [number, number | null][]): Series {
  return { type: 'line', name, showSymbol: false, itemStyle: { color }, lineStyle: { color, width: 1.5 }, data };
}
