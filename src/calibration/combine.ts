/** Calibrations of one machine that were run in parts, as one. */
import { conditionsOf } from '../conditions.ts';
import { UsageError } from '../errors.ts';
import type { RunResult } from '../result.ts';
import { defaultGate } from '../scenario.ts';
import { formatShare } from '../report/format.ts';

/**
 * The earliest of the calibrations with the rounds of all, in the order in which they were begun. Those of a calibration that was
 * interrupted count too: a round is in the result when it is finished.
 *
 * @throws UsageError with all reasons at once when one is no calibration, has no round or is given twice, or when they compared another
 *   stage, scenario, scale or load, under another margin, or on another machine
 */
export function combineCalibrations(parts: readonly RunResult[]): RunResult {
  const [first, ...others] = parts.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  if (first === undefined) throw new UsageError('No calibration was named.', { hint: 'Name the folders of several.' });
  const obstacles = [
    ...parts.flatMap(unfitness),
    ...repeated(parts),
    ...others.flatMap((part) => differences(first, part)),
  ];
  if (obstacles.length > 0) {
    const list = obstacles.map((obstacle) => `  - ${obstacle}`).join('\n');
    throw new UsageError(`These calibrations cannot be combined:\n${list}`, {
      hint: 'Combine calibrations of one stage under the same conditions.',
    });
  }
  const calibration = parts
    .flatMap((part) => part.calibration!)
    .toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  const combined: RunResult = { ...first, status: 'complete', calibration };
  // Of a round that was cut short.
  delete combined.comparison;
  return combined;
}

function unfitness({ id, calibration }: RunResult): string[] {
  if (calibration === undefined) return [`${id} is no calibration`];
  return calibration.length === 0 ? [`${id} has no finished round`] : [];
}

function repeated(parts: readonly RunResult[]): string[] {
  const ids = parts.map(({ id }) => id);
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))].map((id) => `${id} is given more than once`);
}

function differences(first: RunResult, other: RunResult): string[] {
  const others = conditions(other);
  return conditions(first).flatMap(({ name, value }, at) =>
    value === others[at]!.value ? [] : [`${name}: ${value} against ${others[at]!.value} in ${other.id}`],
  );
}

function conditions(result: RunResult): { name: string; value: string }[] {
  const { maxRegression } = { ...defaultGate, ...result.gate };
  return [
    ...conditionsOf(result),
    { name: 'stage', value: result.calibration?.[0]?.stage ?? 'none' },
    { name: 'margin', value: formatShare(maxRegression) },
  ];
}
