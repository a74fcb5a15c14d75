/** A postgresql.conf of the user's as a profile. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { loadConfig } from '../../src/config.ts';
import { parseConfiguration } from '../../src/server/configuration-file.ts';
import { resolveProfile, withFiles } from '../../src/server/profiles.ts';

const settingsOf = (text: string) =>
  parseConfiguration(text, 'x.conf').settings.map(({ name, value, line }) => [name, value, line]);

describe('lines', () => {
  test.for<[string, string, string]>([
    ['work_mem = 16MB', 'work_mem', '16MB'],
    ['  Work_Mem 16MB\t# per node', 'work_mem', '16MB'],
    ['search_path = \'"$user", public\'', 'search_path', '"$user", public'],
    ["a.b='it''s \\'so\\' \\\\ # no comment' # a comment", 'a.b', "it's 'so' \\ # no comment"],
    ['random_page_cost=1.1', 'random_page_cost', '1.1'],
    ['jit = off\r', 'jit', 'off'],
    ["commit_delay = ''", 'commit_delay', ''],
  ])('%j', ([line, name, value]) => {
    expect(settingsOf(`# first\n\n${line}\n`)).toEqual([[name, value, 3]]);
  });

  test('what was quoted is read as it was', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => !/[\n\r\0]/.test(text)),
        (value) => {
          const line = `x.y = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
          expect(settingsOf(line)).toEqual([['x.y', value, 1]]);
        },
      ),
    );
  });

  test('the last of several counts', () => {
    expect(settingsOf('work_mem = 1MB\nWORK_MEM = 2MB')).toEqual([['work_mem', '2MB', 2]]);
  });

  test('every fault is named at once, includes among them', () => {
    const text = "include 'more.conf'\nwork_mem\ninclude_dir 'conf.d'\nx = 'open\njit = off";
    expect(() => parseConfiguration(text, 'x.conf')).toThrow(UsageError);
    expect(() => parseConfiguration(text, 'x.conf')).toThrow(
      /line 1: includes are not followed[^]*line 2: "work_mem" is not of the form[^]*line 3: includes[^]*line 4: "x = 'open"/,
    );
  });

  test('what belongs to the place of a server is left out with its reason', () => {
    const { settings, leftOut } = parseConfiguration(
      "port = 6543\nssl = on\nlog_statement = all\nsynchronous_standby_names = 's'\narchive_command = 'cp'\nlc_time = 'de_DE'\nsynchronous_commit = off",
      'x.conf',
    );
    expect(settings.map(({ name }) => name)).toEqual(['synchronous_commit']);
    expect(leftOut.map(({ name, reason }) => [name, reason.length > 10])).toEqual(
      ['port', 'ssl', 'log_statement', 'synchronous_standby_names', 'archive_command', 'lc_time'].map((name) => [
        name,
        true,
      ]),
    );
  });
});

test('a stage may name the path of a file, counted from the project', () => {
  const own = { lean: { jit: false }, 'x.conf': { jit: true } };
  expect(withFiles(own, ['stock', 'lean', 'x.conf', 'deploy/y.conf', '/z.conf'], '/project')).toEqual({
    ...own,
    'deploy/y.conf': '/project/deploy/y.conf',
    '/z.conf': '/z.conf',
  });
});

test('a profile of the config file may be a path, counted from there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgrehearse-conf-'));
  try {
    await writeFile(
      join(folder, 'pgrehearse.config.mjs'),
      "export default { profiles: { production: 'production.conf' } };",
    );
    await writeFile(join(folder, 'production.conf'), 'work_mem = 16MB\nport = 1\n');
    const { profiles } = await loadConfig(folder, undefined, {});
    const machine = { cpuModel: 'test', cores: 2, memoryBytes: 2 ** 33, os: 'test', kernel: '1', arch: 'x64' };
    const { settings, notes } = resolveProfile('production', machine, { connections: 4, major: 18 }, profiles);
    expect(settings).toContainEqual({
      name: 'work_mem',
      value: '16MB',
      reason: 'set by the profile "production"',
      source: 'production.conf, line 1',
    });
    expect(notes).toEqual([`port of ${join(folder, 'production.conf')}, line 2, is left out: pgrehearse chooses it.`]);
    await rm(join(folder, 'production.conf'));
    expect(() => resolveProfile('production', machine, { connections: 4, major: 18 }, profiles)).toThrow(
      /cannot be read/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
