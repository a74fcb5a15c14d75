import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import type { Host } from '../../src/result.ts';
import { describeHost, usableMemoryBytes } from '../../src/server/host.ts';
import { resolveProfile, seedingSettings, settingsOf } from '../../src/server/profiles.ts';

const gibibyte = 2 ** 30;

function host(memoryBytes: number, cores: number, memoryLimitBytes?: number): Host {
  const machine = { cpuModel: 'test', cores, memoryBytes, os: 'test', kernel: '1', arch: 'x64' };
  return memoryLimitBytes === undefined ? machine : { ...machine, memoryLimitBytes };
}

const context = { connections: 50, major: 18 };

function tuned(machine: Host, connections = 50, major = 18) {
  return settingsOf(resolveProfile('tuned', machine, { connections, major }));
}

describe('stock', () => {
  test('sets only what measuring needs', () => {
    expect(Object.keys(settingsOf(resolveProfile('stock', host(8 * gibibyte, 2), context)))).toEqual([
      'shared_preload_libraries',
      'compute_query_id',
      'track_io_timing',
    ]);
  });

  test('admits more connections than the default where the load needs them', () => {
    const settings = settingsOf(resolveProfile('stock', host(8 * gibibyte, 2), { connections: 150, major: 18 }));
    expect(settings['max_connections']).toBe('170');
  });
});

describe('tuned', () => {
  test.each([
    [8 * gibibyte, 2, { shared_buffers: '2048MB', effective_cache_size: '6144MB', work_mem: '20MB' }],
    [8 * gibibyte, 2, { maintenance_work_mem: '512MB', max_parallel_workers_per_gather: '1' }],
    [256 * 2 ** 20, 1, { shared_buffers: '128MB', work_mem: '4MB', max_wal_size: '2GB', max_parallel_workers: '2' }],
    [256 * gibibyte, 64, { work_mem: '64MB', maintenance_work_mem: '1024MB', max_parallel_workers_per_gather: '4' }],
  ])('of %i bytes and %i cores', (memory, cores, expected) => {
    expect(tuned(host(memory, cores))).toMatchObject(expected);
  });

  test('counts on what the control group allows', () => {
    expect(tuned(host(64 * gibibyte, 4, 8 * gibibyte))).toEqual(tuned(host(8 * gibibyte, 4)));
    const { settings } = resolveProfile('tuned', host(64 * gibibyte, 4, 8 * gibibyte), context);
    expect(settings).toContainEqual({
      name: 'shared_buffers',
      value: '2048MB',
      reason: '25 % of the 8192MB of the control group',
      source: 'manual, Resource Consumption: Memory',
    });
  });

  test('asks for prefetching only where reads are not asynchronous', () => {
    expect(tuned(host(8 * gibibyte, 2), 50, 17)['effective_io_concurrency']).toBe('200');
    expect(tuned(host(8 * gibibyte, 2), 50, 18)).not.toHaveProperty('effective_io_concurrency');
  });

  test('never promises more memory than there is, and gives every setting a reason and a source', () => {
    const gigabytes = fc.integer({ min: 1, max: 2048 });
    fc.assert(
      fc.property(
        gigabytes,
        fc.integer({ min: 1, max: 256 }),
        fc.integer({ min: 1, max: 2000 }),
        (gb, cores, clients) => {
          const machine = host(gb * gibibyte, cores);
          const profile = resolveProfile('tuned', machine, { connections: clients, major: 18 });
          const megabytes = (name: string) => Number.parseInt(String(settingsOf(profile)[name]), 10);
          const most = Math.max(megabytes('work_mem') * clients, 4 * clients);
          expect(megabytes('shared_buffers')).toBeLessThanOrEqual(Math.max(128, (gb * 1024) / 4));
          expect(most).toBeLessThanOrEqual(Math.max((gb * 1024) / 4, 4 * clients));
          expect(
            profile.settings.every(
              ({ reason, source, value }) => reason.length > 0 && source.length > 0 && value !== 'NaN',
            ),
          ).toBe(true);
        },
      ),
    );
  });
});

describe('profiles of the user', () => {
  const custom = { mine: { work_mem: '8MB', jit: false, max_connections: 200 } };

  test('come with what measuring needs', () => {
    expect(settingsOf(resolveProfile('mine', host(gibibyte, 1), context, custom))).toMatchObject({
      work_mem: '8MB',
      jit: 'off',
      max_connections: '200',
      compute_query_id: 'on',
    });
  });

  test.each([
    ['an unknown name lists the known ones', 'mien', custom, 'There is no profile "mien".'],
    ['a name of an object property is unknown too', 'constructor', custom, 'There is no profile "constructor".'],
    ['too few connections', 'few', { few: { max_connections: 60 } }, 'The profile "few" allows 60 connections'],
    ['a built-in name', 'stock', { stock: {} }, 'built in and cannot be redefined'],
  ])('%s', (_, name, profiles, message) => {
    const resolve = () => resolveProfile(name, host(gibibyte, 1), context, profiles);
    expect(resolve).toThrow(UsageError);
    expect(resolve).toThrow(message);
  });

  test('the hint lists the known ones', () => {
    expect(() => resolveProfile('x', host(gibibyte, 1), context, custom)).toThrow(
      expect.objectContaining({ hint: 'Known profiles: stock, tuned, mine.' }),
    );
  });
});

test('seeding fits the host', () => {
  const settings = seedingSettings(host(4 * gibibyte, 4), { major: 17 });
  expect(settings).toMatchObject({ fsync: false, wal_level: 'minimal', max_wal_senders: 0, autovacuum: false });
  expect(settings['maintenance_work_mem']).toBe('256MB');
  // PostgreSQL 17 would refuse to start with it.
  expect(settings).not.toHaveProperty('io_method');
  expect(seedingSettings(host(gibibyte, 1), { major: 18 })).toMatchObject({ io_method: 'sync' });
});

test('this machine is described in full', () => {
  const machine = describeHost();
  expect(machine.cores).toBeGreaterThan(0);
  expect(usableMemoryBytes(machine)).toBeLessThanOrEqual(machine.memoryBytes);
  for (const text of [machine.cpuModel, machine.os, machine.kernel, machine.arch]) expect(text).not.toBe('');
});
