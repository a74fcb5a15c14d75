/** The section of report.md about the comparison by pairs: what was measured, what came out, what the server did for it. */
import type { Comparison, ComparisonPlan } from '../comparison/record.ts';
import type { Gate, GateEstimate, RunResult, Verdict } from '../result.ts';
import { finishedPairs, p95Of, type FinishedPair } from '../verdict/pairs.ts';
import { twinEstimate } from '../verdict/typical.ts';
import { changedPlans, workChanges, type WorkChange } from '../verdict/work.ts';
import { estimateCells } from './comparison.ts';
import { formatCount, formatMs, formatPlural, formatShare, formatUs } from './format.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';
import { median } from '../stats/median.ts';

/** Parts of the section, '' where there is nothing to tell; empty without a comparison. */
export function renderPairs(result: RunResult, verdict: Verdict, chart: string): string[] {
  const { comparison } = result;
  if (comparison === undefined) return [];
  return [
    '## Before and after in pairs',
    describeLayout(comparison),
    estimates(result, comparison, verdict.gates),
    chart,
    workTable(comparison),
    planTable(comparison),
  ];
}

/** How it was measured, in two sentences. */
function describeLayout(comparison: Comparison): string {
  const { plan } = comparison;
  const [change, same] = [finishedPairs(comparison, 'change'), finishedPairs(comparison, 'same')];
  const thrown = [...change, ...same].filter(({ discarded }) => discarded !== undefined).length;
  const [before, after] = [escapeText(comparison.before), escapeText(comparison.after)];
  return (
    `${formatPlural(change.length, 'pair')} of ${before} and ${after}, ${formatPlural(same.length, 'pair')} of two equal clones of ` +
    `${before} among them, in a random order; ${blocksOf(plan)}. Both blocks of a pair got the same arrivals and parameters. ` +
    `${thrown === 0 ? 'No pair was' : `${formatPlural(thrown, 'pair')} were`} thrown away.`
  );
}

function blocksOf({ blockMs, washoutMs, preset }: ComparisonPlan): string {
  return `blocks of ${formatMs(blockMs)}, of which the first ${formatMs(washoutMs)} are not counted (preset ${preset})`;
}

function estimates(result: RunResult, comparison: Comparison, gates: readonly Gate[]): string {
  const pairs = finishedPairs(comparison, 'change').filter(({ discarded }) => discarded === undefined);
  const judged = gates.filter(({ name, estimate }) => name === 'typical-p95' && estimate !== undefined);
  const rows = judged.map((gate) => [
    gate.transaction === undefined ? '**all transactions**' : escapeText(gate.transaction),
    medianP95(pairs, gate.transaction),
    ...pairCells(gate.estimate!),
    gate.outcome,
  ]);
  const twin = result.gate === undefined ? undefined : twinEstimate(comparison, result.gate);
  if (twin !== undefined) {
    rows.push([
      `two equal clones of ${escapeText(comparison.before)}`,
      medianP95(pairs, undefined),
      ...pairCells(twin),
      '',
    ]);
  }
  if (rows.length === 0) return '';
  const columns = ['p95 before', 'p95 after / before', '90 % interval', 'Allowed', 'Would have caught', 'Sign-flip p'];
  return table(['Transaction', ...columns.map(toRight), 'Outcome'], rows);
}

function pairCells(estimate: GateEstimate): string[] {
  const { detectable, signFlipPValue } = estimate;
  const [value, interval, margin] = estimateCells(estimate);
  return [
    `**${value}**`,
    interval,
    margin,
    detectable === undefined ? '' : formatShare(detectable),
    signFlipPValue === undefined ? '' : signFlipPValue.toFixed(4),
  ];
}

function medianP95(pairs: readonly FinishedPair[], transaction: string | undefined): string {
  const all = pairs.flatMap(({ before }) => p95Of(before, transaction) ?? []);
  return all.length === 0 ? '' : formatUs(median(all));
}

function workTable(comparison: Comparison): string {
  const changes = workChanges(comparison);
  if (changes.length === 0) return '';
  const rows = changes.map((change) => [
    escapeText(change.transaction),
    change.unit,
    amount(change.before),
    amount(change.after),
    describeWork(change),
  ]);
  const summary = 'Work of the server for each run of a transaction, as pg_stat_statements counts it';
  return details(
    summary,
    table(['Transaction', 'Counted', toRight('Before'), toRight('After'), toRight('Change')], rows),
  );
}

function describeWork({ before, after }: WorkChange): string {
  if (before === after) return '';
  return before === 0 ? 'new' : `${after > before ? '+' : ''}${formatShare(after / before - 1)}`;
}

function amount(value: number): string {
  return value >= 100 ? formatCount(Math.round(value)) : value.toFixed(2);
}

function planTable(comparison: Comparison): string {
  const changed = changedPlans(comparison);
  if (changed.length === 0) return '';
  const rows = changed.map(({ transaction, statement, before, after }) => [
    `${escapeText(transaction)}.${escapeText(statement)}`,
    escapeText(before),
    escapeText(after),
  ]);
  const summary = `${formatPlural(changed.length, 'statement')} with another generic plan`;
  return details(summary, table(['Statement', 'Before', 'After'], rows));
}
