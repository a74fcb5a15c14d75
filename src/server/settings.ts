/** PostgreSQL settings as text of a configuration file. */
import { UsageError } from '../errors.ts';
import type { Settings } from '../scenario.ts';

/** Settings by which we reach and guard the server; a stage that changed them would cut itself off. */
const reserved = new Set([
  'config_file',
  'data_directory',
  'external_pid_file',
  'hba_file',
  'ident_file',
  'listen_addresses',
  'logging_collector',
  'port',
  'unix_socket_directories',
  'unix_socket_permissions',
]);

/** Whether a setting is ours to choose. */
export function isReserved(name: string): boolean {
  return reserved.has(name.toLowerCase());
}

/** What measuring needs of every server; a stage's own settings come on top. */
const measuring: Settings = {
  shared_preload_libraries: 'pg_stat_statements',
  compute_query_id: 'on',
  track_io_timing: 'on',
};

/**
 * The text of our configuration file: what measuring needs, the given settings, then how the server is reached.
 * @throws UsageError naming every setting that is misspelt or not for the user to set
 */
export function configurationText(settings: Settings, access: Settings): string {
  const lines = Object.entries(complete(settings, access)).map(([name, value]) => `${name} = ${quoted(value)}`);
  return ['# Written by pgrehearse at every start; changes are lost.', ...lines, ''].join('\n');
}

/**
 * The same without a file, as arguments of the program `postgres`.
 * @throws UsageError naming every setting that is misspelt or not for the user to set
 */
export function settingArguments(settings: Settings): string[] {
  return Object.entries(complete(settings)).flatMap(([name, value]) => ['-c', `${name}=${plain(value)}`]);
}

function complete(settings: Settings, access: Settings = {}): Settings {
  const faults = Object.entries(settings).flatMap(([name, value]) => fault(name, value) ?? []);
  if (faults.length > 0) throw new UsageError(faults.join(' '));
  const all = { ...measuring, ...settings, ...access };
  return { ...all, shared_preload_libraries: preload(String(all['shared_preload_libraries'])) };
}

/** pg_stat_statements first, whatever else is asked for. */
function preload(libraries: string): string {
  const names = libraries.split(',').map((name) => name.trim());
  return [...new Set(['pg_stat_statements', ...names])].filter((name) => name !== '').join(',');
}

function fault(name: string, value: Settings[string]): string | undefined {
  if (!/^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$/.test(name)) return `"${name}" is not the name of a PostgreSQL setting.`;
  if (isReserved(name)) return `The setting ${name} is chosen by pgrehearse and cannot be set.`;
  if (/[\n\r\0]/.test(String(value))) return `The value of the setting ${name} contains a line break.`;
  return undefined;
}

function plain(value: Settings[string]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value);
}

function quoted(value: Settings[string]): string {
  if (typeof value === 'boolean') return plain(value);
  return `'${plain(value).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
