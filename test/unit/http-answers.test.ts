import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerText } from '../../src/http/answers.ts';
import { bodyOf, faultOf, payloadOf, transportError, type HttpAnswer } from '../../src/http/client.ts';
import { databaseUrl } from '../../src/http/database-url.ts';
import type { HttpRequest, RequestSpec } from '../../src/http/spec.ts';

const request: HttpRequest = { method: 'GET', path: '/items/7' };
const answer = (changes: Partial<HttpAnswer> = {}): HttpAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  text: '{"id":7}',
  ...changes,
});

describe('payloadOf', () => {
  it.each([
    [{}, { headers: {} }],
    [{ body: 'plain' }, { headers: {}, body: 'plain' }],
    [{ body: { a: 1 } }, { headers: { 'content-type': 'application/json' }, body: '{"a":1}' }],
    [
      { body: [1], headers: { 'content-type': 'application/x', via: 'us' } },
      { headers: { 'content-type': 'application/x', via: 'us' }, body: '[1]' },
    ],
  ])('%j', (changes, payload) => {
    expect(payloadOf({ method: 'POST', path: '/', ...changes })).toEqual(payload);
  });
});

describe('bodyOf', () => {
  it.each([
    ['JSON', answer(), { id: 7 }],
    ['JSON of a kind', answer({ headers: { 'content-type': 'application/problem+json' } }), { id: 7 }],
    ['text', answer({ headers: { 'content-type': 'text/plain' } }), '{"id":7}'],
    ['broken JSON, as text', answer({ text: '{"id"' }), '{"id"'],
    ['nothing', answer({ text: '', headers: {} }), ''],
  ])('%s', (_, from, body) => {
    expect(bodyOf(from)).toEqual(body);
  });
});

describe('faultOf', () => {
  const isSeven = { body: (body: unknown) => (body as { id: number }).id === 7 };
  it.each<[string, Pick<RequestSpec, 'check' | 'maxStaleMs'>, Partial<HttpAnswer>, object | undefined]>([
    ['200', {}, {}, undefined],
    ['204 of no body', {}, { status: 204, text: '' }, undefined],
    ['404', {}, { status: 404, text: 'none' }, { kind: 'failed', code: 'HTTP 404', message: 'GET /items/7: none' }],
    ['404 as asked for', { check: { status: 404 } }, { status: 404 }, undefined],
    ['one of several', { check: { status: [200, 404] } }, { status: 404 }, undefined],
    ['200 where 201 is right', { check: { status: 201 } }, {}, { kind: 'failed', code: 'HTTP 200' }],
    ['a right body', { check: isSeven }, {}, undefined],
    ['a wrong body', { check: isSeven }, { text: '{"id":8}' }, { kind: 'wrong answer', code: 'WRONG_ANSWER' }],
    ['a body on which the check throws', { check: isSeven }, { text: 'null' }, { kind: 'wrong answer' }],
    ['a body of an error, unchecked', { check: isSeven }, { status: 500, text: 'null' }, { kind: 'failed' }],
    ['an age that is allowed', { maxStaleMs: 5_000 }, { headers: { age: '5' } }, undefined],
    ['an answer too old', { maxStaleMs: 5_000 }, { headers: { age: '6' } }, { kind: 'wrong answer' }],
    ['no age', { maxStaleMs: 0 }, {}, undefined],
  ])('%s', (_, spec, changes, fault) => {
    const found = faultOf(spec, request, answer(changes));
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(fault);
  });
});

describe('transportError', () => {
  it('tells a deadline from a broken connection', () => {
    const late = new DOMException('too late', 'TimeoutError');
    expect(transportError(late, request)).toMatchObject({ kind: 'timed out', code: 'TIMEOUT' });
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    expect(transportError(reset, request)).toMatchObject({ kind: 'broken', code: 'ECONNRESET' });
  });
});

const textOf = (value: unknown): string => answerText({}, answer({ text: JSON.stringify(value) }));
const parsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const compared = (body: unknown): unknown => (body as { id: number }).id;

describe('answerText', () => {
  it('does not depend on the order of keys, and tells every other difference', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (body, other) => {
        const reversed = Object.fromEntries(Object.entries(body).toReversed());
        expect(textOf(reversed)).toBe(textOf(body));
        const same = isDeepStrictEqual(parsed(body), parsed(other));
        expect(textOf(body) === textOf(other)).toBe(same);
      }),
    );
  });

  it('holds the status, and the compared part alone', () => {
    expect(answerText({ compared }, answer({ text: '{"id":7,"at":"now"}' }))).toBe('200 7');
    expect(answerText({ compared }, answer({ status: 404, text: 'null' }))).toBe('404 null');
  });
});

describe('databaseUrl', () => {
  const target = { host: '127.0.0.1', port: 5432, user: 'post/gres', database: 'sh op', ssl: false as const };
  it.each([
    [target, 'postgres://post%2Fgres@127.0.0.1:5432/sh%20op'],
    [{ ...target, password: 'p@ss:w' }, 'postgres://post%2Fgres:p%40ss%3Aw@127.0.0.1:5432/sh%20op'],
    [{ ...target, host: '/run/pg' }, 'postgres://post%2Fgres@:5432/sh%20op?host=%2Frun%2Fpg'],
    [{ ...target, host: '::1' }, 'postgres://post%2Fgres@[::1]:5432/sh%20op'],
    [
      { ...target, ssl: { rejectUnauthorized: true } },
      'postgres://post%2Fgres@127.0.0.1:5432/sh%20op?sslmode=verify-full',
    ],
  ])('%j', (from, url) => {
    expect(databaseUrl(from)).toBe(url);
  });
});
