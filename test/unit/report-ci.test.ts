/** What CI reads of a result: JUnit XML, GitHub's job summary, comment and annotations. */
import { describe, expect, it } from 'vitest';
import { annotationsOf, renderAnnotation, renderComment, renderJobSummary } from '../../src/report/github.ts';
import { renderJUnit } from '../../src/report/junit.ts';
import type { RunResult } from '../../src/result.ts';
import { judge } from '../../src/verdict.ts';
import { comparedResult } from './comparison-fixture.ts';
import { xmlFaults } from './xml.ts';

const count = (xml: string, element: string): number => xml.split(`<${element}`).length - 1;

describe('renderJUnit', () => {
  it('has a test case for each gate: passed, failed, skipped with the reason', () => {
    const failed = renderJUnit(comparedResult({ change: 1.5 }));
    expect(xmlFaults(failed)).toEqual([]);
    expect(failed).toMatch(/<testsuite name="pgrehearse \S+" tests="\d+" failures="[123]" errors="0" skipped="0"/);
    expect(failed).toMatch(/name="typical-p95">\s*<failure message="p95 of &quot;after&quot; is 1\d\d % of/);
    const open = renderJUnit(comparedResult({ change: 1.1 }));
    expect(open).toMatch(/name="typical-p95">\s*<skipped message="[^"]*not decided/);
    expect(count(open, 'skipped')).toBe(1);
  });

  it('tells an invalid measurement as an error', () => {
    const result = comparedResult();
    result.host.cores = 0;
    expect(renderJUnit(result)).toMatch(/name="validity">\s*<error message=/);
  });

  it('lets gates that only advise pass', () => {
    const result = comparedResult({ byTransaction: { write: 1.12 } });
    expect(count(renderJUnit(result), 'skipped')).toBe(0);
  });

  it('escapes hostile names and control characters', () => {
    const result = comparedResult({ change: 1.5 });
    result.scenario.name = `<"&'\u0007>`;
    result.comparison!.after = '\u0000<b>]]>';
    expect(xmlFaults(renderJUnit(result))).toEqual([]);
  });
});

/** A regression of "read" whose plan lost an index. */
function withChanges(): RunResult {
  const result = comparedResult({ byTransaction: { read: 2 } });
  result.changes = [
    { file: 'migrations/002.up.sql', line: 3, text: 'DROP INDEX idx_read' },
    { file: 'migrations/002.up.sql', line: 9, text: 'CREATE INDEX idx_read_2 ON other (a)' },
  ];
  result.comparison!.statementPlans = [
    { transaction: 'read', statement: 'find', side: 'before', shape: 'Limit > Index Scan(idx_read)' },
    { transaction: 'read', statement: 'find', side: 'after', shape: 'Limit > Seq Scan(items)' },
  ];
  return result;
}

describe('annotationsOf', () => {
  it('points at the statement that names what the plan lost', () => {
    const annotations = annotationsOf(withChanges());
    expect(annotations).toContainEqual(
      expect.objectContaining({
        level: 'error',
        file: 'migrations/002.up.sql',
        line: 3,
        title: expect.stringContaining('typical-p95'),
      }),
    );
  });

  it('points at the last statement where plans tell nothing, and at nothing where nothing changed', () => {
    const result = comparedResult({ change: 1.5 });
    expect(annotationsOf(result)[0]).not.toHaveProperty('file');
    result.changes = withChanges().changes!;
    expect(annotationsOf(result)[0]).toMatchObject({ line: 9 });
  });

  it('warns of what is not decided, and says nothing of what holds', () => {
    expect(annotationsOf(comparedResult({ change: 1.1 })).map(({ level }) => level)).toEqual(['warning']);
    expect(annotationsOf(comparedResult())).toEqual([]);
  });

  it('escapes what would end the workflow command', () => {
    const text = renderAnnotation({
      level: 'error',
      title: 'a,b:c',
      message: '100 %\n::error::x',
      file: 'x.sql',
      line: 2,
    });
    expect(text).toBe('::error file=x.sql,line=2,title=a%2Cb%3Ac::100 %25%0A::error::x');
  });
});

describe('the job summary and the comment', () => {
  it('have no pictures, which GitHub cannot show there', async () => {
    const summary = await renderJobSummary(comparedResult());
    expect(summary).not.toContain('.svg');
    expect(summary).toContain('## Before and after in pairs');
  });

  it('stay below the limits, cut after a whole line', async () => {
    const result = comparedResult();
    result.warnings = Array.from({ length: 4000 }, (_, at) => ({
      code: 'x',
      message: `${at} ${'ä'.repeat(150)}`,
      advice: 'y',
    }));
    const summary = await renderJobSummary(result);
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(1024 * 1024);
    expect(summary).not.toContain('\uFFFD');
    expect(summary).toContain('The rest is in report.md');
  });

  it('begin with a marker, so that the next run replaces the comment', () => {
    const result = comparedResult({ change: 1.5 });
    result.verdict = judge(result);
    const comment = renderComment(result);
    expect(comment).toMatch(/^<!-- pgrehearse: \S+ -->\n# ❌ Fail/);
    expect(comment).toContain('| Typical p95 | ❌ Fail |');
  });
});
