/** What a tuning says of the settings of a profile. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderTuning } from '../../src/report/markdown-tune.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { resolveProfile } from '../../src/server/profiles.ts';
import { groupSettings, minimalProfile, spareGroups } from '../../src/tune/groups.ts';
import type { Tuning, TuningStep } from '../../src/tune/record.ts';
import { buildResult } from './result-fixture.ts';

const machine = { cpuModel: 'test', cores: 4, memoryBytes: 2 ** 34, os: 'test', kernel: '1', arch: 'x64' };
const setting = (name: string, source = 'x') => ({ name, value: '1', reason: `why ${name}`, source });

const step = (kind: TuningStep['kind'], name: string, outcome: TuningStep['outcome']): TuningStep => ({
  kind,
  name,
  dropped: [name],
  startedAt: '2026-01-01T00:00:00.000Z',
  outcome,
  reason: `${name} is ${outcome}.`,
  estimate: { value: 1.2, low: 1.15, high: 1.25, margin: 1.1, unit: 'ratio' },
  pairs: 12,
  discarded: 1,
});

const tuning = (...steps: TuningStep[]): Tuning => ({
  stage: 'after',
  profile: 'tuned',
  groups: ['a', 'b', 'c'].map((name) => ({ name, settings: [setting(name)] })),
  asked: ['a', 'b', 'c'],
  steps,
});

describe('groups', () => {
  test('of the tuned profile leave nothing out but what measuring needs', () => {
    const { settings } = resolveProfile('tuned', machine, { connections: 200, major: 17 });
    const groups = groupSettings(settings);
    expect(groups.map(({ name }) => name)).toEqual([
      'shared_buffers',
      'effective_cache_size',
      'work_mem',
      'maintenance',
      'planner costs',
      'write-ahead log',
      'parallel queries',
      'autovacuum',
    ]);
    const grouped = new Set(groups.flatMap(({ settings: members }) => members.map(({ name }) => name)));
    expect(settings.map(({ name }) => name).filter((name) => !grouped.has(name))).toEqual([
      'shared_preload_libraries',
      'compute_query_id',
      'track_io_timing',
      'max_connections',
    ]);
  });

  test('hold each setting once, those of the stage aside', () => {
    const name = fc.constantFrom('jit', 'wal_buffers', 'max_wal_size', 'x.y', 'enable_sort', 'autovacuum_naptime');
    fc.assert(
      fc.property(fc.uniqueArray(name), fc.uniqueArray(name), (own, ofStage) => {
        const all = [...own.map((one) => setting(one)), ...ofStage.map((one) => setting(one, 'scenario'))];
        const grouped = groupSettings(all).flatMap(({ settings }) => settings.map((one) => one.name));
        expect(grouped.toSorted()).toEqual(own.toSorted());
      }),
    );
  });
});

describe('the minimal profile', () => {
  const whole = step('profile', 'the whole profile', 'fail');
  const groups = (...outcomes: TuningStep['outcome'][]) =>
    outcomes.map((outcome, at) => step('group', ['a', 'b', 'c'][at]!, outcome));

  test.for<[string, TuningStep[], string, string[]?]>([
    ['nothing was compared', [], 'unfinished'],
    ['the whole gains nothing', [step('profile', 'x', 'pass')], 'found', []],
    ['a group was not tried', [whole, ...groups('pass', 'fail')], 'unfinished'],
    ['all are needed', [whole, ...groups('fail', 'fail', 'fail')], 'found', ['a', 'b', 'c']],
    ['one is spare, one not decided', [whole, ...groups('fail', 'pass', 'inconclusive')], 'found', ['a', 'c']],
    ['two are spare, and not tried at once', [whole, ...groups('pass', 'pass', 'fail')], 'unfinished'],
    ['two are spare', [whole, ...groups('pass', 'pass', 'fail'), step('minimal', 'a, b', 'pass')], 'found', ['c']],
    [
      'two are spare, not both',
      [whole, ...groups('pass', 'pass', 'fail'), step('minimal', 'a, b', 'fail')],
      'unconfirmed',
    ],
    [
      'it is not decided',
      [whole, ...groups('pass', 'pass', 'fail'), step('minimal', 'a, b', 'inconclusive')],
      'unconfirmed',
    ],
  ])('where %s', ([, steps, status, names]) => {
    const minimal = minimalProfile(tuning(...steps));
    expect(minimal.status).toBe(status);
    if (minimal.status === 'found') expect(minimal.settings.map(({ name }) => name)).toEqual(names);
  });

  test('spares what is proved only', () => {
    expect(spareGroups(tuning(whole, ...groups('pass', 'inconclusive', 'invalid')))).toEqual(['a']);
  });

  test('is told with its table and as a configuration file', () => {
    const result = { ...buildResult(), tuning: tuning(whole, ...groups('fail', 'pass', 'inconclusive')) };
    const page = renderTuning(result, result.tuning);
    expect(page).toMatch(/^# Settings that earn their place/);
    expect(page).toContain(
      '| the whole profile | the whole profile | 120 % | 115 % to 125 % | 110 % | 12 | 1 | **needed** |',
    );
    expect(page).toContain("```ini\na = '1' # why a\nc = '1' # why c\n```");
    const summary = renderSummary(result, { color: false, columns: 200 });
    for (const sentence of [
      'Needed: a.',
      'Proved to be spare: b.',
      'Not decided, so kept: c.',
      'The minimal profile: a, c.',
    ]) {
      expect(page).toContain(sentence);
      expect(summary).toContain(sentence);
    }
  });
});
