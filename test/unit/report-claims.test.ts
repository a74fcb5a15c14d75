import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimsPage } from '../../src/claims-page.ts';
import { renderClaims } from '../../src/report/markdown-claims.ts';
import type { ClaimOutcome } from '../../src/result.ts';
import { buildResult } from './result-fixture.ts';

const promise = { text: 'a promise', source: 'document:1', stage: 'after' };
const time = { kind: 'latency', transaction: 'dashboard', statistic: 'p95', time: 'response' } as const;

function endingOf(
  claim: Pick<ClaimOutcome, 'measure' | 'outcome' | 'measured' | 'atLeast' | 'atMost' | 'note'>,
): string {
  const result = { ...buildResult(), claims: [{ ...promise, ...claim }] };
  const page = renderClaims([{ folder: 'webhooks', result }]);
  return /\| (\*\*[^|]*) \|$/m.exec(page)![1]!;
}

describe('renderClaims', () => {
  it.each<[string, Parameters<typeof endingOf>[0], string]>([
    ['half the time', { measure: time, atMost: 100, measured: 50, outcome: 'met' }, '**exceeded**'],
    ['a little less time', { measure: time, atMost: 100, measured: 51, outcome: 'met' }, '**reproduced**'],
    ['a range', { measure: time, atLeast: 1, atMost: 100, measured: 2, outcome: 'met' }, '**reproduced**'],
    ['twice the rate', { measure: { kind: 'heldRate' }, atLeast: 200, measured: 400, outcome: 'met' }, '**exceeded**'],
    ['no timeout', { measure: { kind: 'timeouts' }, atMost: 0, measured: 0, outcome: 'met' }, '**reproduced**'],
    [
      'more time',
      { measure: time, atMost: 100, measured: 101, outcome: 'not met', note: 'slower than promised' },
      '**not reproduced**: slower than promised',
    ],
    [
      'no figure',
      { measure: { kind: 'none', reason: 'no host' }, outcome: 'not measured', note: 'no host' },
      '**not measured**: no host',
    ],
  ])('%s', (_, claim, ending) => expect(endingOf(claim)).toBe(ending));

  it('names where the figures come from, counts endings and leaves out results without claims', () => {
    const result = buildResult();
    result.claims = [{ ...promise, measure: time, atMost: 100, measured: 2, outcome: 'met' }];
    const page = renderClaims([
      { folder: 'webhooks', result },
      { folder: 'other', result: { ...result, claims: [] } },
    ]);
    expect(page).toContain(`## ${result.scenario.title}: webhooks`);
    expect(page).toContain(`PostgreSQL ${result.server.version}`);
    expect(page).toContain('1 claim: 1 exceeded.');
    expect(page).not.toContain('other');
  });
});

const root = join(import.meta.dirname, '..', '..');

describe('docs/claims.md', () => {
  it('is what the committed results say (pgrehearse report --claims reports > docs/claims.md)', async () => {
    expect(await readFile(join(root, 'docs', 'claims.md'), 'utf8')).toBe(await claimsPage(join(root, 'reports')));
  });

  it.each([
    ['no such folder', join(root, 'no-such-folder'), /could not be read/],
    ['a folder without results', join(root, 'docs'), /There is no result right below/],
  ])('%s is told', async (_, folder, message) => {
    await expect(claimsPage(folder)).rejects.toThrow(message);
  });
});
