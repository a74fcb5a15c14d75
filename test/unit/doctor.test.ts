import { describe, expect, it } from 'vitest';
import { find, type Outcome } from '../../src/doctor/finding.ts';
import {
  examineClock,
  examineCores,
  examineGovernors,
  examineLimits,
  examineMemory,
  examineNode,
} from '../../src/doctor/machine.ts';
import { EnvironmentError } from '../../src/errors.ts';

const host = { cpuModel: 'cpu', cores: 8, memoryBytes: 2 ** 34, os: 'os', kernel: '6', arch: 'x64' };
const limits = (soft: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                 524288               files\n`;

const statusOf = (outcome: Outcome): string => (typeof outcome === 'string' ? 'ok' : outcome.status);

describe('doctor', () => {
  it.each<[string, Outcome, string]>([
    ['the oldest Node', examineNode('22.22.0'), 'ok'],
    ['an older Node', examineNode('22.21.9'), 'fault'],
    ['a newer Node', examineNode('24.0.1'), 'ok'],
    ['many cores', examineCores(host), 'ok'],
    ['two cores', examineCores({ ...host, cores: 2 }), 'warning'],
    ['much memory', examineMemory(host), 'ok'],
    ['much memory of which little may be used', examineMemory({ ...host, memoryLimitBytes: 2 ** 30 }), 'warning'],
    ['many files', examineLimits(limits('20000')), 'ok'],
    ['files without end', examineLimits(limits('unlimited')), 'ok'],
    ['few files', examineLimits(limits('1024')), 'warning'],
    ['limits untold', examineLimits(undefined), 'ok'],
    ['a fast clock', examineClock('kvm-clock\n'), 'ok'],
    ['a slow clock', examineClock('hpet\n'), 'warning'],
    ['governors untold', examineGovernors([]), 'ok'],
    ['governors for speed', examineGovernors(['performance', 'performance']), 'ok'],
    ['one governor for power', examineGovernors(['performance', 'powersave']), 'warning'],
  ])('judges %s', (_, outcome, status) => {
    expect(statusOf(outcome)).toBe(status);
  });

  it('makes a fault with advice of an error', async () => {
    const error = new EnvironmentError('It broke.', { hint: 'Mend it.' });
    expect(await find({ what: 'Thing', examine: () => Promise.reject(error) })).toEqual({
      what: 'Thing',
      status: 'fault',
      text: 'It broke.',
      advice: 'Mend it.',
    });
  });
});
