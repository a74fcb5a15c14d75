/** What squawk says, read from its report, and what the measurement makes of it. */
import { describe, expect, it } from 'vitest';
import { adviceFor, measuredOf } from '../../src/live-migration/advice.ts';
import type { Finding, LiveMigration } from '../../src/live-migration/record.ts';
import { readFindings } from '../../src/live-migration/squawk.ts';
import { annotationsOf } from '../../src/report/github.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { splitStatements } from '../../src/sql.ts';
import { liveMigration, statement } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

const file = 'migrations/002_x.up.sql';

/** One finding as the JSON reporter writes it; its lines count from 0. */
const told = (line: number, rule_name: string, help: string | null = null) => ({
  file,
  line,
  column: 2,
  level: 'Warning',
  message: `${rule_name} says so.`,
  help,
  rule_name,
  column_end: 9,
  line_end: line,
});

describe('readFindings', () => {
  const text =
    '-- a comment\nALTER TABLE t\n  ADD COLUMN a int,\n  ALTER COLUMN b TYPE bigint;\nCREATE INDEX i ON t (a);\n';

  it('puts each finding at its statement, and keeps apart what a load can bear out', async () => {
    const script = { statements: await splitStatements(text) };
    const report = [
      told(1, 'require-lock-timeout', 'Configure it.'),
      told(2, 'prefer-bigint-over-int'),
      told(3, 'changing-column-type'),
      told(4, 'a-rule-of-tomorrow'),
    ];
    const found = readFindings(JSON.stringify(report), { file, script })!;
    expect(found.map(({ line, name }) => [line, name])).toEqual([
      [2, 'require-lock-timeout'],
      [2, 'prefer-bigint-over-int'],
      [2, 'changing-column-type'],
      [5, 'a-rule-of-tomorrow'],
    ]);
    expect(found.map(({ unmeasured, breaksStatements }) => [unmeasured, breaksStatements])).toEqual([
      [undefined, undefined],
      [true, undefined],
      [undefined, true],
      [true, undefined],
    ]);
    expect(found[0]).toMatchObject({
      file,
      by: 'squawk',
      rule: 'require-lock-timeout says so.',
      advice: 'Configure it.',
    });
  });

  it.each([
    ['nothing', ''],
    ['a report that was cut off', '[{"file":"x.sql","line":0,'],
    ['words', 'thread main panicked at src/main.rs'],
    ['another shape', '{"violations":[]}'],
    ['entries without a rule', '[{"line":0,"level":"Warning","message":"m"}]'],
    ['lines that are no numbers', JSON.stringify([{ ...told(0, 'x'), line: '0' }])],
  ])('takes %s for no report', (_, output) => {
    expect(readFindings(output, { file, script: { statements: [] } })).toBeUndefined();
  });

  it('reads a report without findings', () => {
    expect(readFindings('[]', { file, script: { statements: [] } })).toEqual([]);
  });
});

const warned: Finding = { file, line: 1, rule: 'It locks.', advice: 'Do not.', by: 'squawk', name: 'adding-x' };

/** A statement of which so much was felt, in a load whose usual gap is 10 ms. */
function rehearsed(felt: { stallMs: number; blockedMs: number }, findings: Finding[] = [warned]): LiveMigration {
  return { ...liveMigration([statement('ALTER TABLE t ADD COLUMN a int', { felt })]), findings };
}

describe('measuredOf', () => {
  it.each([
    ['a stall', { stallMs: 1200, blockedMs: 0 }, { confirmed: true, stallMs: 1200, blockedMs: 0 }],
    ['sessions that were blocked', { stallMs: 20, blockedMs: 900 }, { confirmed: true, stallMs: 20, blockedMs: 900 }],
    ['a gap as before the migration', { stallMs: 9, blockedMs: 0 }, { confirmed: false, stallMs: 0, blockedMs: 0 }],
    ['a gap that is hardly longer', { stallMs: 30, blockedMs: 0 }, { confirmed: false, stallMs: 30, blockedMs: 0 }],
  ])('judges a warning by %s', (_, felt, measured) => {
    expect(measuredOf(warned, rehearsed(felt))).toEqual(measured);
  });

  it('takes the worst of the repeats, and leaves alone what no load can bear out', () => {
    const live = rehearsed({ stallMs: 0, blockedMs: 0 });
    live.repeats.push(rehearsed({ stallMs: 700, blockedMs: 3 }).repeats[0]!);
    expect(measuredOf(warned, live)).toEqual({ confirmed: true, stallMs: 700, blockedMs: 3 });
    expect(measuredOf({ ...warned, unmeasured: true }, live)).toBeUndefined();
  });

  it('confirms that a column is required where inserts miss it, however short the statement is', () => {
    const live = rehearsed({ stallMs: 0, blockedMs: 0 });
    live.repeats[0]!.impact = { ...live.repeats[0]!.impact, errors: { '23502': 4 } };
    expect(measuredOf({ ...warned, breaksStatements: true }, live)!.confirmed).toBe(true);
    expect(measuredOf(warned, live)!.confirmed).toBe(false);
  });
});

async function report(live: LiveMigration): Promise<string> {
  return (await renderMarkdown({ ...buildResult(), liveMigration: live })).markdown;
}

function adviceOn(findings: Finding[]): string[] {
  return adviceFor(rehearsed({ stallMs: 900, blockedMs: 0 }, findings)).map(({ advice }) => advice);
}

describe('a report with what squawk says', () => {
  it('says who warns, and confirms or clears it with the stall', async () => {
    const ours: Finding = { file, line: 1, rule: 'a rule', advice: 'Ours.' };
    const bad = await report(rehearsed({ stallMs: 1200, blockedMs: 4000 }, [ours, warned]));
    expect(bad).toMatch(
      /\| pgrehearse \| a rule \| \*\*confirmed\*\*: measured stall 1.2 s, sessions blocked for 4 s \|/,
    );
    expect(bad).toMatch(/\| squawk \| It locks. \| \*\*confirmed\*\*: measured stall 1.2 s/);
    const good = await report(rehearsed({ stallMs: 4, blockedMs: 0 }));
    expect(good).toContain('| squawk | It locks. | cleared: measured stall 0 ms | Do not. |');
  });

  it('keeps matters of taste apart, and says where squawk was not found', async () => {
    const taste: Finding = { ...warned, name: 'prefer-<b>', unmeasured: true };
    const text = await report({
      ...rehearsed({ stallMs: 0, blockedMs: 0 }, [taste]),
      squawk: { absent: 'squawk was not found; `npm install` it.' },
    });
    expect(text).toContain('1 remark of squawk that no load confirms or clears');
    expect(text).toContain('squawk was not found');
    expect(text).not.toContain('<b>');
    expect(text).not.toContain('cleared');
  });

  it('advises by our rule where both warn, and by squawk where only it does', () => {
    const ours: Finding = { file, line: 1, rule: 'a rule', advice: 'Ours.' };
    expect(adviceOn([ours, warned])).toEqual(['Ours.']);
    expect(adviceOn([warned])).toEqual(['Do not.']);
    expect(adviceOn([{ ...warned, unmeasured: true }])).toEqual([]);
  });

  it('annotates what came true with the name of who warned', () => {
    const [annotation] = annotationsOf({ ...buildResult(), liveMigration: rehearsed({ stallMs: 900, blockedMs: 0 }) });
    expect(annotation).toMatchObject({ level: 'warning', file, line: 1, message: 'It locks. Do not.' });
    expect(annotation!.title).toContain('squawk warns of it, and did');
  });
});
