/** Plans in report.md: those of two stages side by side, and those that depend on the parameters. */
import { outlineOf } from '../observe/plan-tree.ts';
import type { MeasuredPlan, MeasuredStep, PlanChoice, PlanStep, StageEvidence } from '../observe/record.ts';
import type { RunResult } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import { accessesOf, planChanges, type PlanChange } from '../verdict/reasons.ts';
import { formatCount, formatPlural, formatShare } from './format.ts';
import { escapeHtml } from './html-text.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** Longer conditions are cut: the plan in full is what EXPLAIN is for. */
const longestCondition = 140;

/** Statements with another plan for unknown parameters; '' without any. */
export function planPairs(before: StageEvidence, after: StageEvidence): string {
  const changes = planChanges(before, after);
  if (changes.length === 0) return '';
  const summary = `${formatPlural(changes.length, 'statement')} with another plan, side by side`;
  return details(summary, ...changes.map((change) => planPair(change, before, after)));
}

/** HTML: Markdown has no cells of several lines. */
function planPair(change: PlanChange, first: StageEvidence, last: StageEvidence): string {
  const cells = `${planCell(change, change.before, first)}${planCell(change, change.after, last)}`;
  return [
    `**${escapeText(`${change.transaction}.${change.statement}`)}**`,
    `<div class="table" tabindex="0" role="region" aria-label="plans"><table><thead><tr>${planHeading(first.stage)}${planHeading(last.stage)}</tr></thead>` +
      `<tbody><tr>${cells}</tr></tbody></table></div>`,
  ].join('\n\n');
}

function planHeading(stage: string): string {
  return `<th scope="col">${escapeHtml(stage)}</th>`;
}

/** With what its nodes found, where it was carried out just so. */
function planCell(change: PlanChange, steps: readonly PlanStep[] | undefined, evidence: StageEvidence): string {
  if (steps === undefined) return '<td valign="top"><pre>not sent</pre></td>';
  const outline = outlineOf(steps);
  const measured = measuredPlans(evidence, change).find((plan) => outlineOf(plan.steps) === outline);
  return `<td valign="top"><pre>${escapeHtml(drawPlan(measured?.steps ?? steps))}</pre></td>`;
}

function measuredPlans(
  { measured = [] }: StageEvidence,
  { transaction, statement }: { transaction: string; statement: string },
): readonly MeasuredPlan[] {
  return measured.find((own) => own.transaction === transaction && own.statement === statement)?.plans ?? [];
}

/** As EXPLAIN's text, without costs. */
function drawPlan(steps: readonly (PlanStep | MeasuredStep)[]): string {
  return steps.map(drawStep).join('\n');
}

function drawStep(step: PlanStep | MeasuredStep): string {
  const { depth, node, relation, index, condition } = step;
  const indent = '  '.repeat(depth);
  const place = [index === undefined ? '' : ` using ${index}`, relation === undefined ? '' : ` on ${relation}`].join(
    '',
  );
  const own = `${indent}${depth === 0 ? '' : '→ '}${node}${place}, ${rowsOf(step)}`;
  if (condition === undefined) return own;
  const short = condition.length <= longestCondition ? condition : `${condition.slice(0, longestCondition)} ...`;
  return `${own}\n${indent}    ${short.replaceAll(/\s+/g, ' ')}`;
}

function rowsOf(step: PlanStep | MeasuredStep): string {
  const expected = formatPlural(Math.round(step.rows), 'row');
  if (!('loops' in step)) return expected;
  if (step.loops === 0) return `${expected} expected, not needed`;
  const found = `${formatAmount(step.actualRows)} found`;
  return `${expected} expected, ${found}${step.loops > 1 ? ` in each of ${formatAmount(step.loops)} loops` : ''}`;
}

function formatAmount(value: number): string {
  return value >= 10 || Number.isInteger(value) ? formatCount(Math.round(value)) : value.toFixed(1);
}

/** Where the server plans otherwise for parameters that it knows, generic and custom plans are not the same; '' without such. */
export function plansByParameters(result: RunResult, stages: readonly StageEvidence[]): string {
  const rows = stages.flatMap((evidence) =>
    (evidence.plans ?? []).flatMap((generic) => {
      const plans = measuredPlans(evidence, generic);
      const outline = outlineOf(generic.steps);
      if (plans.every(({ steps }) => outlineOf(steps) === outline)) return [];
      return [
        [
          escapeText(evidence.stage),
          escapeText(`${generic.transaction}.${generic.statement}`),
          choiceOf(result, evidence.stage, generic),
          ...describePlans(generic.steps, plans),
        ],
      ];
    }),
  );
  if (rows.length === 0) return '';
  const heading = ['Stage', 'Statement', toRight('Planned for each call'), 'Unknown parameters', 'Known parameters'];
  const statements = new Set(rows.map(([, statement]) => statement)).size;
  return details(
    `${formatPlural(statements, 'statement')} whose plan depends on the parameters`,
    table(heading, rows),
    'The server plans a prepared statement for the parameters of each call (a custom plan), or once for all (a generic plan) where that ' +
      'seems as cheap after five calls; plan_cache_mode decides otherwise.',
  );
}

/** Share of custom plans among the calls of the load. */
function choiceOf(
  result: RunResult,
  stage: string,
  { transaction, statement }: Pick<PlanChoice, 'transaction' | 'statement'>,
): string {
  const { planChoices = [] } = figuresOf(result, stage)?.mainBlock ?? {};
  const own = planChoices.find((choice) => choice.transaction === transaction && choice.statement === statement);
  if (own === undefined || own.custom + own.generic === 0) return '';
  return formatShare(own.custom / (own.custom + own.generic));
}

/** By what they read, where that tells them apart, else by their nodes. */
function describePlans(generic: readonly PlanStep[], plans: readonly MeasuredPlan[]): [unknown: string, known: string] {
  const all = [generic, ...plans.map(({ steps }) => steps)];
  const inWords = new Set(all.map(readsOf)).size > 1 ? readsOf : nodesOf;
  const known = plans.map(({ executions, classes = [], steps }) => {
    const of = classes.length === 0 ? '' : `, ${classes.map(escapeText).join(', ')}`;
    return `${inWords(steps)} (${formatCount(executions)}×${of})`;
  });
  return [inWords(generic), known.join('; ')];
}

function readsOf(steps: readonly PlanStep[]): string {
  return accessesOf(steps)
    .map(({ relation, way }) => escapeText(`${relation}: ${way}`))
    .join(', ');
}

function nodesOf(steps: readonly PlanStep[]): string {
  return steps
    .map(({ node, index, relation }) => escapeText([node, index ?? relation ?? ''].join(' ').trim()))
    .join(', ');
}
