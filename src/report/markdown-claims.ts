/** The claims of stored results on one page: what a document promised, and what came of it. */
import type { ClaimOutcome, RunResult } from '../result.ts';
import { describePromise, formatClaimed } from './comparison.ts';
import { formatCount, formatPlural } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/** A result and the folder that it lies in, as the page names it. */
export interface StoredClaims {
  folder: string;
  result: RunResult;
}

/** How a promise ended. A figure that is twice as good as promised, or better, has exceeded it. */
const endings = ['exceeded', 'reproduced', 'not reproduced', 'not measured'] as const;
type Ending = (typeof endings)[number];

/** The page: a section for each result that has claims, in the order given. */
export function renderClaims(stored: readonly StoredClaims[]): string {
  const sections = stored.filter(({ result }) => result.claims.length > 0).map(section);
  const intro =
    'Every figure that a source document gives for a stage, beside what was measured. This page is generated from stored ' +
    'results by `pgrehearse report --claims <folder>`; [method.md](method.md#claims) says when a claim counts as measured.';
  return `${['# Claims', intro, ...sections].join('\n\n')}\n`;
}

function section({ folder, result }: StoredClaims): string {
  const rows = result.claims.map((claim) => [
    escapeText(claim.text),
    escapeText(claim.source),
    escapeText(claim.stage),
    describePromise(claim),
    claim.measured === undefined ? '' : formatClaimed(claim, claim.measured),
    `**${endingOf(claim)}**${claim.note === undefined ? '' : `: ${escapeText(claim.note)}`}`,
  ]);
  return [
    `## ${escapeText(result.scenario.title)}: ${escapeText(folder)}`,
    conditions(result),
    tally(result.claims),
    table(['Claim', 'Source', 'Stage', toRight('Promised'), toRight('Measured'), 'Outcome'], rows),
  ].join('\n\n');
}

function conditions({ host, server, seed, load, probe, finishedAt }: RunResult): string {
  const parts = [
    `PostgreSQL ${server.version}`,
    `${formatPlural(host.cores, 'core')} (${host.cpuModel})`,
    ...(seed === undefined ? [] : [`${formatCount(seed.rows)} rows`]),
    probe === undefined ? `${formatCount(load.ratePerSecond)} transactions a second` : 'one transaction at a time',
    ...(finishedAt === undefined ? [] : [finishedAt.slice(0, 10)]),
  ];
  return `${escapeText(parts.join(', '))}.`;
}

function tally(claims: readonly ClaimOutcome[]): string {
  const counts = endings.map(
    (ending) => [ending, claims.filter((claim) => endingOf(claim) === ending).length] as const,
  );
  const found = counts.filter(([, count]) => count > 0).map(([ending, count]) => `${formatCount(count)} ${ending}`);
  return `${formatPlural(claims.length, 'claim')}: ${found.join(', ')}.`;
}

function endingOf(claim: ClaimOutcome): Ending {
  if (claim.outcome === 'not measured') return 'not measured';
  if (claim.outcome === 'not met') return 'not reproduced';
  return isExceeded(claim) ? 'exceeded' : 'reproduced';
}

/** Only a bound on one side can be exceeded: time and space from above, a rate from below. */
function isExceeded({ measure, atLeast, atMost, measured }: ClaimOutcome): boolean {
  if (measured === undefined) return false;
  if (measure.kind === 'heldRate') return atMost === undefined && atLeast !== undefined && measured >= 2 * atLeast;
  return atLeast === undefined && atMost !== undefined && atMost > 0 && measured * 2 <= atMost;
}
