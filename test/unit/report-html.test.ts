import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../src/report/html.ts';
import { comparedResult } from './comparison-fixture.ts';
import { buildResult } from './result-fixture.ts';

describe('renderHtml', () => {
  it('is one file: charts in place, nothing from anywhere else, nothing that runs', async () => {
    const html = await renderHtml(comparedResult());
    expect(html.match(/<svg /g)).toHaveLength(5);
    expect(html).not.toMatch(/(?:src|href)="(?!#)/);
    expect(html).not.toMatch(/<script|url\((?!#)|@import/);
    expect(html).toContain("default-src 'none'");
  });

  it('lists its sections, and every entry leads to one', async () => {
    const html = await renderHtml(buildResult());
    const targets = Array.from(html.matchAll(/href="#([\w-]+)"/g), ([, id]) => id!);
    expect(targets.length).toBeGreaterThan(3);
    for (const id of targets) expect(html.split(`id="${id}"`)).toHaveLength(2);
  });

  it('gives rows and columns their headings, and figures their side', async () => {
    const html = await renderHtml(buildResult());
    expect(html).toContain('<th scope="row">Rate offered</th>');
    expect(html).toMatch(/<th scope="col" class="figure">before<\/th>/);
  });

  it('escapes hostile names wherever they stand', async () => {
    const result = comparedResult({ change: 1.5 });
    const hostile = `<script>alert("x")</script>|\`'&`;
    result.scenario.title = hostile;
    result.scenario.description = hostile;
    result.comparison!.after = hostile;
    for (const stage of result.stages) stage.description = hostile;
    result.warnings = [{ code: 'x', message: hostile, advice: hostile }];
    const html = await renderHtml(result);
    expect(html).not.toContain('<script');
    expect(html).not.toContain('alert("x")<');
  });
});
