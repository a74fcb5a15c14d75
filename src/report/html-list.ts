/** The list of runs that `pgrehearse serve` begins with: what each was, and two to be chosen for comparison. */
import type { RunResult } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import { describeCommit } from './commit.ts';
import { formatInstant, formatRate, formatUs } from './format.ts';
import { page } from './html.ts';
import { escapeHtml } from './html-text.ts';

/** The newest first. */
export function renderResultList(results: readonly RunResult[], faults: readonly string[]): string {
  const newest = results.toSorted((a, b) => b.startedAt.localeCompare(a.startedAt));
  const headings = ['a', 'b', 'Started', 'Scenario', 'Verdict', 'Last stage', 'Held', 'p95', 'Commit'];
  const body = [
    '<h1>Runs</h1>',
    '<form action="/compare" method="get">',
    '<div class="table" tabindex="0" role="region" aria-label="Runs"><table>',
    `<thead><tr>${headings.map((heading) => `<th scope="col">${heading}</th>`).join('')}</tr></thead>`,
    `<tbody>${newest.map((result, at) => rowOf(result, at)).join('\n')}</tbody></table></div>`,
    '<button type="submit">Compare a with b</button>',
    '</form>',
    faults.length === 0
      ? ''
      : `<h2>Left out</h2><ul>${faults.map((fault) => `<li>${escapeHtml(fault)}</li>`).join('')}</ul>`,
  ];
  return page('Runs', '', body.join('\n'));
}

function rowOf(result: RunResult, at: number): string {
  const { id, startedAt, scenario, verdict, commit } = result;
  const last = result.stages.at(-1);
  const figures = last && figuresOf(result, last.name);
  const saturated = figures?.saturatedBlock !== undefined;
  const cells = [
    `<a href="/runs/${encodeURIComponent(id)}">${escapeHtml(formatInstant(startedAt))}</a>`,
    escapeHtml(scenario.title),
    escapeHtml(verdict?.outcome ?? result.status),
    escapeHtml(last?.name ?? ''),
    figures === undefined ? '' : formatRate(figures.heldPerSecond),
    figures === undefined || saturated ? '' : formatUs(figures.mainBlock.total.response.p95Us),
    commit === undefined ? '' : escapeHtml(describeCommit(commit)),
  ];
  return `<tr>${choice('a', id, at === 1)}${choice('b', id, at === 0)}${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

/** The two newest are chosen to begin with: b against what was before it. */
function choice(name: 'a' | 'b', id: string, chosen: boolean): string {
  const label = `${name}: ${escapeHtml(id)}`;
  return `<td><input type="radio" name="${name}" value="${escapeHtml(id)}" aria-label="${label}"${chosen ? ' checked' : ''}></td>`;
}
