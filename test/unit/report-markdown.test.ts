import * as fc from 'fast-check';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assessClaims } from '../../src/claims.ts';
import { EnvironmentError } from '../../src/errors.ts';
import { codeBlock, escapeText } from '../../src/report/markdown-text.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { writeReport } from '../../src/report/write.ts';
import type { RunResult } from '../../src/result.ts';
import { judge } from '../../src/verdict.ts';
import { buildResult, calmAfter, hostileName, saturatedBefore } from './result-fixture.ts';

/** Tables of a report: cells by row, without the rule below the heading. */
function tablesOf(markdown: string): string[][][] {
  const tables: string[][][] = [];
  let open = false;
  for (const line of withoutCode(markdown).split('\n')) {
    if (line.startsWith('|')) {
      if (!open) tables.push([]);
      tables.at(-1)!.push(
        line
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .map((cell) => cell.trim()),
      );
    }
    open = line.startsWith('|');
  }
  return tables.map((rows) => rows.filter((_, index) => index !== 1));
}

function tableWith(markdown: string, heading: string): string[][] {
  const found = tablesOf(markdown).find(([headings]) => headings!.includes(heading));
  expect(found, heading).toBeDefined();
  return found!;
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '');
}

function rich(): RunResult {
  const result = buildResult();
  result.claims = assessClaims(
    [
      {
        text: 'dashboard under a second',
        source: 'document:212',
        stage: 'after',
        measure: { kind: 'latency', transaction: 'dashboard', statistic: 'p95', time: 'response' },
        atMost: 1000,
      },
      {
        text: '2-3 queries a second',
        source: 'document:380',
        stage: 'before',
        measure: { kind: 'heldRate' },
        atLeast: 2,
        atMost: 3,
      },
    ],
    result,
  );
  result.answers[0]!.different = 2;
  result.answers[0]!.example = { parameters: '{"user":7}', before: '[1,2]', after: '[1]' };
  result.invariants[3]!.holds = false;
  result.invariants[3]!.violations = '[{"attempt":17}]';
  result.blocks[0]!.transactions[2]!.errors['57014'] = {
    count: 12,
    example: 'canceling statement due to statement timeout',
  };
  result.verdict = judge(result);
  return result;
}

describe('renderMarkdown', async () => {
  const { markdown, files } = await renderMarkdown(buildResult());

  it('begins with the verdict and its figures', () => {
    const [title, , reason] = markdown.split('\n');
    expect(title).toBe('# ✅ Pass: Webhook deliveries');
    expect(reason).toMatch(/^\*\*"after" holds p95 .*0\.35 % of 60,170 arrivals missed it/);
  });

  it('sets the stages side by side', () => {
    const table = tableWith(markdown, 'Change');
    expect(table[0]).toEqual(['', 'before', 'after', 'Change']);
    const rows = Object.fromEntries(table.slice(1).map(([name, ...cells]) => [name, cells]));
    expect(rows['Rate held']).toEqual(['**14.2/s** (saturated after 9 s)', '**1,003/s**', '≥71x']);
    expect(rows['p95 response time']).toEqual(['grew without bound', '**7.12 ms**', '']);
    expect(rows['Missed 50 ms']![1]).toMatch(/^0\.35 % \(0\.\d+ % to 0\.\d+ %\)$/);
    expect(rows['Database size']).toEqual(['6.93 GiB', '7.41 GiB', '']);
  });

  it('says plainly that a stage could not hold the rate, and shows its service times marked', () => {
    expect(markdown).toContain('> **before** could not hold the rate: 14.2/s of 1,000/s.');
    const rows = tableWith(markdown, 'p95 change').slice(1);
    expect(rows[0]!.slice(0, 2)).toEqual(['**all transactions**', 'before']);
    expect(rows[0]![4]).toMatch(/^\d\S* s †$/);
    expect(rows[1]!.at(-1)).toMatch(/^≥\d+x faster$/);
    expect(rows[1]![4]).toBe('7.12 ms');
  });

  it('has two rows a transaction, in the order of the scenario', () => {
    const rows = tableWith(markdown, 'p95 change').slice(1);
    const names = ['**all transactions**', ...buildResult().scenario.transactions.map(({ name }) => name)];
    expect(rows.map(([name]) => name)).toEqual(names.flatMap((name) => [name, '']));
    expect(rows.map(([, stage]) => stage)).toEqual(names.flatMap(() => ['before', 'after']));
  });

  it('compares response times where no stage was saturated', async () => {
    const calm = (
      await renderMarkdown(buildResult([{ ...calmAfter, stage: 'before', serviceUs: () => 20_000 }, calmAfter]))
    ).markdown;
    expect(calm).not.toContain('†');
    const rows = tableWith(calm, 'p95 change').slice(1);
    expect(rows[3]!.at(-1)).toBe('26x faster');
    expect(rows[1]!.at(-1)).toBe('same');
  });

  it('shows how often transactions were repeated', async () => {
    const result = buildResult();
    for (const { transactions } of result.blocks) transactions[0]!.retries = 1234;
    const { markdown } = await renderMarkdown(result);
    expect(markdown.split('\n')).toContainEqual(expect.stringMatching(/^\|  \| after .* 0, 1,234 retries \|/));
    expect((await renderMarkdown(buildResult())).markdown).not.toContain('retries |');
  });

  it('marks percentiles that are the maximum by another name', async () => {
    const rare = (await renderMarkdown(buildResult([{ ...calmAfter, ratePerSecond: 5 }]))).markdown;
    const rows = Object.fromEntries(tableWith(rare, 'p95 change').map(([name, ...cells]) => [name, cells]));
    expect(rows['retry_poll']!.slice(2, 6)).toEqual(['790 µs', '~2.7 ms', '~4.54 ms', '12.7 ms']);
    expect(rows['dashboard']!.slice(2, 6)).toEqual(['2.75 ms', '9.41 ms', '~15.8 ms', '44.1 ms']);
  });

  it('refers to charts that it gives, all of them', () => {
    const referred = [...markdown.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, name]) => name);
    expect(referred).toEqual(Object.keys(files));
  });

  it('tells classes, settings, migrations, tables, phases, and how to reproduce', () => {
    const classes = tableWith(markdown, 'Class').slice(1);
    expect(classes[0]!.slice(0, 4)).toEqual(['dashboard', 'hot', 'before', '55']);
    expect(tableWith(markdown, 'Setting')[2]).toEqual([
      'shared_buffers',
      'default',
      '2GB',
      'a quarter of the memory of the host (manual)',
    ]);
    expect(tableWith(markdown, 'Migration')[2]!.slice(0, 4)).toEqual([
      'after',
      '003 delivery_attempts_user_id',
      '6',
      '31.4 s',
    ]);
    expect(tableWith(markdown, 'Heap')[1]).toEqual([
      'delivery_attempts',
      'before',
      '5,600,000',
      '1.1 GiB',
      '922 MiB',
      '2 GiB',
    ]);
    expect(tableWith(markdown, 'Phase')).toContainEqual(['Build indexes and constraints', '', '61 s', '']);
    expect(markdown).toContain('```sh\npgrehearse run webhooks --rate 1000 --duration 60s\n```');
    expect(markdown).toContain('Seed 42 and scale 1');
  });

  it('tells claims, differing answers, broken invariants and errors', async () => {
    const report = (await renderMarkdown(rich())).markdown;
    expect(report).toMatch(/^# ❌ Fail/);
    expect(report).toContain('2 claims: 1 met, 1 not met, 0 not measured.');
    const claims = tableWith(report, 'Promised').slice(1);
    expect(claims[0]!.slice(3)).toEqual(['at most 1 s', '9.41 ms', '**met**']);
    expect(claims[1]!.slice(3)).toEqual(['2/s to 3/s', '14.2/s', '**not met**: more than promised']);
    expect(report).toContain('parameters {"user":7}\nbefore     [1,2]\nafter      [1]');
    expect(report).toContain('Invariant **attempts_have_events** is broken in stage after (loaded)');
    expect(tableWith(report, 'Example')[1]).toEqual([
      'before',
      'dashboard',
      '57014',
      '12',
      'canceling statement due to statement timeout',
    ]);
  });

  it('shows every warning with its advice', () => {
    expect(markdown).toContain(
      '- after: **Other processes used 0.3 of 2 cores while "after" was measured.** Repeat on',
    );
  });

  it.each<[string, RunResult]>([
    ['no stage', buildResult([])],
    ['no block', { ...buildResult(), blocks: [], status: 'interrupted' }],
    ['one stage', buildResult([calmAfter])],
    ['only a saturated stage', buildResult([saturatedBefore])],
    [
      'four stages',
      buildResult([saturatedBefore, { ...calmAfter, stage: 'b' }, { ...calmAfter, stage: 'c' }, calmAfter]),
    ],
    ['everything', rich()],
    ['nothing recorded beside', { ...buildResult(), phases: [], warnings: [], answers: [], invariants: [] }],
  ])('renders a run with %s: whole tables, no missing figure', async (_, result) => {
    const { markdown } = await renderMarkdown(result);
    for (const table of tablesOf(markdown)) {
      for (const row of table) expect(row.length, row.join('|')).toBe(table[0]!.length);
    }
    expect(markdown).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(markdown).toMatch(/^# \S+ (Pass|Fail|Inconclusive|Invalid): /);
  });

  it('judges a result that was never judged', async () => {
    const result = { ...buildResult(), status: 'interrupted' as const };
    expect((await renderMarkdown(result)).markdown).toMatch(/^# ❔ Inconclusive.*\n\n\*\*the run did not finish/);
  });
});

/** Every text of the result that comes from outside, replaced. */
function hostile(): RunResult {
  const result = rich();
  const spoil = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => spoil(item, key));
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, spoil(item, name)]));
    }
    const kept = [
      'status',
      'startedAt',
      'finishedAt',
      'asOf',
      'outcome',
      'when',
      'access',
      'kind',
      'statistic',
      'time',
      'arrivals',
      'unit',
    ];
    return typeof value === 'string' && !kept.includes(key) ? `${hostileName}${value}` : value;
  };
  const spoilt = spoil(result, '') as RunResult;
  spoilt.phases = result.phases;
  spoilt.verdict!.gates.forEach((gate, index) => (gate.name = result.verdict!.gates[index]!.name));
  return spoilt;
}

describe('hostile names', () => {
  it('stay text: whole tables, no HTML, link, mention or line of their own', async () => {
    const prose = withoutCode((await renderMarkdown(hostile())).markdown);
    for (const table of tablesOf(prose)) {
      for (const row of table) expect(row.length, row.join('|')).toBe(table[0]!.length);
    }
    expect(prose.replaceAll(/<\/?(?:details|summary)>/g, '')).not.toMatch(/[<>@](?!\s\*\*)/);
    expect(prose).not.toMatch(/(?<!\\)\[l/);
    expect(prose).not.toMatch(/https?:\/\//);
    expect(prose).not.toMatch(/(?<!\\)`/);
    expect(prose).not.toMatch(/^# h/m);
    expect(prose).not.toMatch(/[^\P{Cc}\n]|\u2028/u);
  });

  it('escape to text that has no special meaning, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const escaped = escapeText(text);
        expect(escaped).not.toMatch(/[<>|@\n\r]/);
        expect(escaped.replaceAll(/\\[^a-zA-Z0-9\s]/g, '')).not.toMatch(/[`*[\]{}~!$]/);
        expect(unescape(escaped)).toBe(
          text
            .toWellFormed()
            .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
            .trim(),
        );
      }),
    );
  });

  it.each([
    ['event_ingest', 'event_ingest'],
    ['_private_', String.raw`\_private\_`],
    ['a|b', 'a&#124;b'],
    ['# title', String.raw`\# title`],
    ['1. item', String.raw`1\. item`],
    ['18.4', '18.4'],
    ['- item', String.raw`\- item`],
    ['p95 < 50 ms', 'p95 &#60; 50 ms'],
    ['https://example.org', 'https&#58;//example.org'],
    [String.raw`a\|b`, String.raw`a\\&#124;b`],
  ])('%j becomes %j', (text, escaped) => expect(escapeText(text)).toBe(escaped));

  it('never end a fenced block early', () => {
    expect(codeBlock('a\n````\nb')).toBe('`````\na\n````\nb\n`````');
    expect(codeBlock('x', 'sh')).toBe('```sh\nx\n```');
  });
});

/** What a Markdown reader makes of escaped text. */
function unescape(text: string): string {
  return text.replaceAll(/&#(\d+);|\\([^a-zA-Z0-9\s])/g, (_, code: string | undefined, character: string) =>
    code === undefined ? character : String.fromCodePoint(Number(code)),
  );
}

describe('writeReport', () => {
  it('writes report.md with its charts beside it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-report-'));
    const path = await writeReport(join(folder.path, 'run'), buildResult());
    expect(path).toBe(join(folder.path, 'run', 'report.md'));
    expect((await readdir(join(folder.path, 'run'))).toSorted()).toEqual([
      'latency-by-transaction.svg',
      'latency-over-time.svg',
      'latency-percentiles.svg',
      'report.html',
      'report.md',
      'throughput.svg',
    ]);
    expect(await readFile(path, 'utf8')).toBe((await renderMarkdown(buildResult())).markdown);
  });

  it('tells when it cannot', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-report-'));
    await writeFile(join(folder.path, 'taken'), '');
    await expect(writeReport(join(folder.path, 'taken'), buildResult())).rejects.toBeInstanceOf(EnvironmentError);
  });
});
