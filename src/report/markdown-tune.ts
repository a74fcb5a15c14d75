/** The report of a tuning: what each group of settings is good for, and the profile without the rest. */
import type { RunResult } from '../result.ts';
import { minimalProfile, type MinimalProfile } from '../tune/groups.ts';
import type { Tuning, TuningStep } from '../tune/record.ts';
import { estimateCells } from './comparison.ts';
import { formatCount, formatInstant, formatShare } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/** The whole of report.md. */
export function renderTuning(result: RunResult, tuning: Tuning): string {
  const parts = [
    `# Settings that earn their place: ${escapeText(result.scenario.title)}`,
    describeTuning(tuning).map(escapeText).join(' '),
    stepTable(tuning),
    profileText(minimalProfile(tuning)),
    `\`${result.command.replaceAll('`', "'")}\`, started ${formatInstant(result.startedAt)}.`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** Sentences for the terminal and the report. */
export function describeTuning(tuning: Tuning): string[] {
  const { stage, profile, steps } = tuning;
  if (steps.length === 0) return ['No comparison was finished.'];
  const names = (outcome: TuningStep['outcome']): string =>
    steps.flatMap((step) => (step.kind === 'group' && step.outcome === outcome ? step.name : [])).join(', ');
  const sentences = [`The profile "${profile}" under the load of "${stage}".`, describeWhole(steps[0]!)];
  if (names('fail') !== '') sentences.push(`Needed: ${names('fail')}.`);
  if (names('pass') !== '') sentences.push(`Proved to be spare: ${names('pass')}.`);
  if (names('inconclusive') !== '') sentences.push(`Not decided, so kept: ${names('inconclusive')}.`);
  return [...sentences, describeMinimal(minimalProfile(tuning))];
}

function describeWhole({ outcome, estimate }: TuningStep): string {
  const ratio = estimate === undefined ? '' : ` (p95 without it is ${formatShare(estimate.value)} of p95 with it)`;
  if (outcome === 'fail') return `As a whole it is needed${ratio}.`;
  return outcome === 'pass'
    ? `As a whole it gains nothing${ratio}.`
    : `Whether it gains anything is not decided${ratio}.`;
}

function describeMinimal(minimal: MinimalProfile): string {
  if (minimal.status === 'unfinished') return 'Not all comparisons were finished, so there is no minimal profile.';
  if (minimal.status === 'unconfirmed') {
    return `Each of the spare groups may go by itself, but not all at once: ${minimal.reason} Keep the profile, or drop one group only.`;
  }
  return minimal.settings.length === 0
    ? 'The minimal profile is empty: "stock" does as well.'
    : `The minimal profile: ${minimal.settings.map(({ name }) => name).join(', ')}.`;
}

const findings: Record<TuningStep['outcome'], string> = {
  pass: 'spare',
  fail: '**needed**',
  inconclusive: 'not decided',
  invalid: 'not decided',
};

function stepTable({ steps }: Tuning): string {
  if (steps.length === 0) return '';
  const columns = ['p95 without', '90 % interval', 'Allowed', 'Pairs', 'Thrown away'].map(toRight);
  return table(
    ['Without', 'Settings', ...columns, 'Finding'],
    steps.map(({ name, dropped, estimate, pairs, discarded, outcome }) => [
      escapeText(name),
      escapeText(dropped.join(', ')),
      ...estimateCells(estimate),
      formatCount(pairs),
      formatCount(discarded),
      findings[outcome],
    ]),
  );
}

/** As a postgresql.conf, which a profile of the config file may name. */
function profileText(minimal: MinimalProfile): string {
  if (minimal.status !== 'found' || minimal.settings.length === 0) return '';
  const lines = minimal.settings.map(({ name, value, reason }) => {
    return `${name} = '${value.replaceAll("'", "''")}' # ${reason.replaceAll(/\s+/g, ' ')}`;
  });
  return ['## The minimal profile', ['```ini', ...lines, '```'].join('\n')].join('\n\n');
}
