import * as fc from 'fast-check';
import { parse } from 'libpg-query';
import { describe, expect, test } from 'vitest';
import { characterOffset, checkStatement, quoteIdentifier, renderSqlError, splitStatements } from '../../src/sql.ts';

/** Any text that SQL can hold: all of Unicode but NUL, which ends a C string, and lone surrogates, which UTF-8 has not. */
const anyText = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && !/\p{Cs}/u.test(text));

/** Text for a comment: no mark that would end it or begin one inside it. */
const commentText = anyText.map((text) => text.replaceAll(/[*/\r\n]/g, ' '));

const blank = fc.constantFrom(' ', '\n', '\t', '\r\n', '\f', '\v');
const comment = fc.oneof(
  commentText.map((text) => `--${text}\n`),
  commentText.map((text) => `/*${text}*/`),
  commentText.map((text) => `/* ; ${text} /* nested; ${text} */ ' $$ */`),
);
const gap = fc.array(fc.oneof(blank, comment), { maxLength: 4 }).map((parts) => parts.join(''));

const tag = fc.constantFrom('', 'a', 'body', 'é');
const statement = fc.oneof(
  anyText.map((text) => `SELECT '${text.replaceAll("'", "''")}'`),
  anyText.map((text) => `SELECT 1 AS "x${text.replaceAll('"', '""')}"`),
  anyText.map((text) => `SELECT E'\\'; ${text.replaceAll(/['\\]/g, '')}'`),
  fc
    .tuple(tag, anyText)
    .map(([name, text]) => `DO LANGUAGE sql $${name}$ ; ${text.replaceAll('$', '')} ' -- ; $${name}$`),
  gap.map((inner) => `SELECT${inner} 1 ${inner}+ 2`),
  gap.map(
    (inner) =>
      `CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC${inner} SELECT 1;${inner} SELECT CASE WHEN true THEN 2 END; END`,
  ),
  // A no-break space is a blank in JavaScript and part of a name in SQL.
  fc.constant('SELECT 1 AS x\u00a0'),
  fc.constant('CREATE INDEX CONCURRENTLY é ON "tä;ble" (a)'),
  fc.constant('CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)'),
);

describe('splitStatements', () => {
  test('finds every statement again, whatever stands in and between them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(gap, statement), { maxLength: 6 }), gap, async (parts, end) => {
        const script = parts.map(([before, text]) => `${before}${text};`).join('') + end;
        const found = await splitStatements(script);
        expect(found.map((one) => one.text)).toEqual(parts.map(([, text]) => text));
        for (const { text, offset, line } of found) {
          expect(script.slice(offset, offset + text.length)).toBe(text);
          expect(line).toBe(script.slice(0, offset).split('\n').length);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('gives the comments in front of each statement', async () => {
    const [first, second] = await splitStatements('-- a\n/* b */ SELECT 1; -- c\n;; /* d /* e */ */ SELECT 2 -- f');
    expect(first!.comments).toEqual(['-- a', '/* b */']);
    expect(second!.comments).toEqual(['-- c', '/* d /* e */ */']);
    expect(second!.text).toBe('SELECT 2 -- f');
  });

  test.for(['', ' \n', '-- nothing\n', '/* ; */', ';;;'])('finds nothing in %j', async (script) => {
    expect(await splitStatements(script)).toEqual([]);
  });

  test.for<[string, string, boolean]>([
    ['SELECT 1', 'SelectStmt', true],
    ['CREATE INDEX i ON t (a)', 'IndexStmt', true],
    ['CREATE INDEX CONCURRENTLY i ON t (a)', 'IndexStmt', false],
    ['REINDEX (CONCURRENTLY FALSE) TABLE t', 'ReindexStmt', true],
    ['ANALYZE t', 'VacuumStmt', true],
    ['VACUUM t', 'VacuumStmt', false],
    ['ALTER TYPE mood ADD VALUE $$happy$$', 'AlterEnumStmt', true],
    ['DO $$ BEGIN COMMIT; END $$', 'DoStmt', false],
    ["DO $$ BEGIN RAISE NOTICE 'commit'; END $$", 'DoStmt', true],
    ['ALTER SUBSCRIPTION s REFRESH PUBLICATION', 'AlterSubscriptionStmt', false],
    ['ALTER SUBSCRIPTION s ENABLE', 'AlterSubscriptionStmt', true],
    ['ALTER SUBSCRIPTION s SET (failover = true)', 'AlterSubscriptionStmt', false],
  ])('%s is a %s, in a transaction: %s', async ([sql, kind, transactional]) => {
    const [statement] = await splitStatements(sql);
    expect(statement).toMatchObject({ kind, transactional });
  });

  test('a syntax error is thrown with its place in the whole script', async () => {
    await expect(splitStatements('SELECT 1;\n\nSELECT é FRM x y;')).rejects.toMatchObject({
      fault: { message: 'syntax error at or near "x"', line: 3, column: 14 },
    });
  });
});

describe('checkStatement', () => {
  test.for(['SELECT $1::int', 'SELECT 1;', '-- a comment\nUPDATE t SET a = $1', 'WITH x AS (SELECT 1) TABLE x'])(
    'finds nothing wrong with %j',
    async (sql) => {
      expect(await checkStatement(sql)).toBeUndefined();
    },
  );

  test.for<[string, string, number, number]>([
    ['', 'there is no statement', 1, 1],
    ['SELECT 1; SELECT 2', 'a second statement begins here, one is allowed', 1, 11],
    ['SELECT (\n\n', 'syntax error at end of input', 1, 9],
    ["SELECT 1,\n  'open", 'unterminated quoted string at or near "\'open"', 2, 3],
    ['SELECT 1\0 DROP TABLE t', 'a NUL byte has no place in SQL', 1, 9],
    ['SLECT 1', 'syntax error at or near "SLECT"', 1, 1],
  ])('%j: %s', async ([sql, message, line, column]) => {
    expect(await checkStatement(sql)).toMatchObject({ message, line, column });
  });

  test('text that is too deep for the parser is a fault, and the parser works on', async () => {
    const fault = await checkStatement(`SELECT ${Array.from({ length: 20_000 }, () => '1').join('+')}`);
    expect(fault?.message).toMatch(/^the parser gave up/);
    expect(await checkStatement('SELECT 1')).toBeUndefined();
  });

  test('the place is right behind any text', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const sql = `SELECT '${text.replaceAll("'", "''")}' wrong words`;
        const fault = await checkStatement(sql);
        const before = sql.slice(0, sql.lastIndexOf('words'));
        expect(fault?.line).toBe(before.split('\n').length);
        expect(fault?.column).toBe(Array.from(before.slice(before.lastIndexOf('\n') + 1)).length + 1);
      }),
    );
  });
});

describe('renderSqlError', () => {
  test.for<[string, string, string, string[]]>([
    ['names file and line', 'SELECT 1;\nSELECT x', 'x', ['2 | SELECT x', '  |        ^']],
    ['keeps a tab one column wide', '\tSELECT\tx', 'x', ['1 |  SELECT x', '  |         ^']],
    ['counts wide characters twice', "SELECT '日本😀', x", 'x', ["1 | SELECT '日本😀', x", '  |                  ^']],
    ['counts combining marks as nothing', "SELECT 'e\u0301', x", 'x', ["1 | SELECT 'e\u0301', x", '  |             ^']],
    ['aligns with three digits of line', `${'\n'.repeat(99)}x`, 'x', ['100 | x', '    | ^']],
  ])('%s', ([, source, place, excerpt]) => {
    const rendered = renderSqlError(source, source.lastIndexOf(place), 'a.sql', 'wrong').split('\n');
    expect(rendered[0]).toMatch(/^a\.sql:\d+: wrong$/);
    expect(rendered.slice(1)).toEqual(excerpt);
  });

  test('the marker stands under the place, however long the line', () => {
    const line = fc.tuple(fc.nat(500), fc.nat(500)).map(([before, after]) => ['.'.repeat(before), '.'.repeat(after)]);
    fc.assert(
      fc.property(line, ([before, after]) => {
        const [, text, marker] = renderSqlError(`\n${before}X${after}\n`, 1 + before!.length, 'f', 'm').split('\n');
        expect(text![marker!.indexOf('^')]).toBe('X');
        expect(text!.length).toBeLessThanOrEqual(110);
      }),
    );
  });
});

test('characterOffset counts as PostgreSQL does', () => {
  fc.assert(
    fc.property(anyText, anyText, (before, after) => {
      expect(characterOffset(before + after, Array.from(before).length)).toBe(before.length);
    }),
  );
});

test('quoteIdentifier names exactly the identifier', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyText.filter((text) => text !== ''),
      async (name) => {
        const tree = await parse(`SELECT 1 AS ${quoteIdentifier(name)}`);
        const bytes = Buffer.from(name).subarray(0, 63).toString();
        expect(JSON.stringify(tree)).toContain(
          `"name":${JSON.stringify(bytes)
            .slice(0, -1)
            .replace(/\uFFFD+$/, '')}`,
        );
      },
    ),
  );
});
