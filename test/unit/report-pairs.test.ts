import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { judge } from '../../src/verdict.ts';
import { comparedResult, type ComparisonShape } from './comparison-fixture.ts';
import { xmlFaults } from './xml.ts';

const rendered = (shape: ComparisonShape) => renderMarkdown(comparedResult(shape));

describe('the report of a comparison', () => {
  it('tells the layout, every estimate with its interval, and the twins', async () => {
    const { markdown, files } = await rendered({ change: 1.5 });
    expect(markdown).toContain('30 pairs of before and after, 15 pairs of two equal clones of before among them');
    expect(markdown).toMatch(
      /\| \*\*all transactions\*\* \| [\d.]+ ms \| \*\*1\d\d %\*\* \| 1\d\d % to 1\d\d % \| 110 % \|/,
    );
    expect(markdown).toMatch(/\| two equal clones of before \| /);
    expect(markdown).toContain('![p95 of each pair of blocks, as a share of before](pairs.svg)');
    expect(xmlFaults(files['pairs.svg']!)).toEqual([]);
  });

  it('shows what came out for each transaction, and in the gates only what decides', async () => {
    const { markdown } = await rendered({ byTransaction: { write: 1.6 } });
    expect(markdown).toMatch(/\| Typical p95: write \| ❌ Fail \|/);
    expect(markdown).not.toContain('| Typical p95: read |');
    expect(markdown).toMatch(/\| read \| [\d.]+ ms \|.*\| pass \|/);
  });

  it('leaves out the twins where they were measured too seldom', async () => {
    const result = comparedResult();
    result.comparison!.pairs = result.comparison!.pairs.filter(({ kind, number }) => kind === 'change' || number < 10);
    const { markdown } = await renderMarkdown(result);
    expect(markdown).not.toContain('Infinity');
  });

  it('escapes names', async () => {
    const result = comparedResult();
    result.comparison!.before = '<script>|`';
    const { markdown, files } = await renderMarkdown(result);
    expect(markdown).not.toContain('<script>');
    expect(xmlFaults(files['pairs.svg']!)).toEqual([]);
  });
});

describe('the summary of a comparison', () => {
  it('says what is proved', () => {
    const result = comparedResult({ change: 1.5 });
    result.verdict = judge(result);
    expect(renderSummary(result, { color: false, columns: 200 })).toContain('a regression is proved');
  });
});
