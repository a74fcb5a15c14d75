import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareAnswers } from '../../src/load/answers.ts';
import type { Answer, Answers } from '../../src/load/answers.ts';
import { canonicalText } from '../../src/load/canonical.ts';

describe('canonicalText', () => {
  it.each([
    [{ b: 1, a: 'x' }, '{"a":"x","b":1}'],
    [[1, '1', null, undefined, true], '[1,"1",null,undefined,true]'],
    [new Date('2026-11-01T12:00:00+02:00'), 'date(2026-11-01T10:00:00.000Z)'],
    [Buffer.from('ab'), 'bytes(6162)'],
    [[0, -0, Number.NaN, 0.1 + 0.2], '[0,-0,NaN,0.30000000000000004]'],
    [{ nested: [{ y: 2n, x: [3, 1] }] }, '{"nested":[{"x":[3,1],"y":2n}]}'],
    [new Map([['k', new Set([1])]]), 'map[["k",set[1]]]'],
    ['a"b', '"a\\"b"'],
  ])('of %o', (value, expected) => {
    expect(canonicalText(value)).toBe(expected);
  });

  it('tells numbers from strings, and null from absent', () => {
    expect(canonicalText([{ a: 1 }])).not.toBe(canonicalText([{ a: '1' }]));
    expect(canonicalText({ a: null })).not.toBe(canonicalText({}));
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).toReversed());
        expect(canonicalText(reversed)).toBe(canonicalText(object));
      }),
      { seed: 1 },
    );
  });

  it('takes rows in any order where that is declared, plain arrays never', () => {
    const one = [
      { id: 1, tags: ['a', 'b'] },
      { id: 2, tags: [] },
    ];
    expect(canonicalText(one.toReversed(), { anyOrder: true })).toBe(canonicalText(one, { anyOrder: true }));
    expect(canonicalText(one.toReversed())).not.toBe(canonicalText(one));
    expect(canonicalText([2, 1], { anyOrder: true })).toBe('[2,1]');
  });
});

const said = (text: string): Answer => ({ status: 'answered', sha256: text, text, parameters: 'p' });
const silent: Answer = { status: 'unanswered', reason: 'timeout' };
const answers = (stage: string, list: Answer[], more: Record<string, Answer[]> = {}): Answers => ({
  stage,
  transactions: { list, ...more },
});

describe('compareAnswers', () => {
  it('counts what agrees, what differs and what one of the stages did not answer', () => {
    const before = answers('before', [said('a'), said('b'), silent, said('d'), said('e')]);
    const after = answers('after', [said('a'), said('B'), said('c'), silent, said('E')]);
    expect(compareAnswers(before, after)).toEqual([
      {
        transaction: 'list',
        stage: 'after',
        compared: 3,
        different: 2,
        unanswered: 2,
        example: { parameters: 'p', before: 'b', after: 'B' },
      },
    ]);
  });

  it('does not compare what the stage declares to differ', () => {
    const [comparison] = compareAnswers(answers('before', [said('a')]), answers('after', [said('b')]), {
      list: 'refreshed every five minutes',
    });
    expect(comparison).toMatchObject({ compared: 0, different: 0, declared: 'refreshed every five minutes' });
  });

  it('takes a transaction that was not asked as unanswered', () => {
    const before = answers('before', [said('a')], { other: [said('x'), said('y')] });
    const [, other] = compareAnswers(before, answers('after', [said('a')]));
    expect(other).toMatchObject({ transaction: 'other', compared: 0, unanswered: 2 });
  });
});
