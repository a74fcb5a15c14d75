/** Profiles: PostgreSQL settings by name, each setting with its reason and its source. */
import { basename, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Host } from '../result.ts';
import type { Settings } from '../scenario.ts';
import { readConfigurationFile } from './configuration-file.ts';
import { usableMemoryBytes } from './host.ts';

/** One setting as it goes into the configuration and the report. */
interface ReasonedSetting {
  name: string;
  /** As postgresql.conf spells it. */
  value: string;
  reason: string;
  /** Where the rule, or the value, comes from. */
  source: string;
}

/** Profiles of the user's own by name: settings, or the path of a postgresql.conf. */
export type CustomProfiles = Record<string, Settings | string>;

export interface ResolvedProfile {
  name: string;
  settings: ReasonedSetting[];
  /** What of the user's settings is not taken over, in sentences. */
  notes: string[];
}

/** What a profile has to fit besides the host. */
export interface ProfileContext {
  /** Connections of the load. */
  connections: number;
  /** PostgreSQL's major version. */
  major: number;
}

const builtIn = ['stock', 'tuned'];

const mebibyte = 2 ** 20;

/** PostgreSQL's own default of max_connections. */
const defaultConnections = 100;

/** Connections for observers, migrations and people beside the load. */
const spareConnections = 20;

/**
 * The settings of a profile on this host: `stock` (PostgreSQL's own defaults), `tuned` (computed from the host), or one of
 * the user's own. Every profile also gets what measuring needs.
 * @throws UsageError when there is no such profile, a built-in one is redefined, or one does not admit the connections
 */
export function resolveProfile(
  name: string,
  host: Host,
  context: ProfileContext,
  custom: CustomProfiles = {},
): ResolvedProfile {
  const { own, notes = [] } = ownSettings(name, host, context, custom);
  assertConnections(name, own, context.connections);
  const taken = new Set(own.map((setting) => setting.name));
  return { name, settings: [...measuring(context).filter((setting) => !taken.has(setting.name)), ...own], notes };
}

/**
 * The user's profiles, and those that stages name by a path: a name that ends in `.conf` is one.
 * @param folder that a relative path counts from
 */
export function withFiles(custom: CustomProfiles = {}, names: readonly string[], folder: string): CustomProfiles {
  const paths = names.filter((name) => name.endsWith('.conf') && !Object.hasOwn(custom, name));
  return { ...custom, ...Object.fromEntries(paths.map((name) => [name, resolve(folder, name)])) };
}

/** The settings of a profile without their reasons, as `startEmbedded` takes them. */
export function settingsOf(profile: ResolvedProfile): Settings {
  return Object.fromEntries(profile.settings.map(({ name, value }) => [name, value]));
}

function ownSettings(
  name: string,
  host: Host,
  context: ProfileContext,
  custom: CustomProfiles,
): { own: ReasonedSetting[]; notes?: string[] } {
  if (builtIn.some((known) => Object.hasOwn(custom, known))) {
    throw new UsageError(`The profiles ${builtIn.join(' and ')} are built in and cannot be redefined.`, {
      hint: 'Give your own profile another name.',
    });
  }
  if (name === 'stock') return { own: [] };
  if (name === 'tuned') return { own: tuned(host, context) };
  const settings = Object.hasOwn(custom, name) ? custom[name] : undefined;
  if (settings === undefined) {
    const known = [...builtIn, ...Object.keys(custom)].join(', ');
    throw new UsageError(`There is no profile "${name}".`, { hint: `Known profiles: ${known}.` });
  }
  if (typeof settings === 'string') return settingsOfFile(name, settings);
  const reason = `set by the profile "${name}"`;
  return { own: Object.entries(settings).map(([setting, value]) => reasoned(setting, value, reason, 'config file')) };
}

function settingsOfFile(profile: string, path: string): { own: ReasonedSetting[]; notes: string[] } {
  const { settings, leftOut } = readConfigurationFile(path);
  return {
    own: settings.map(({ name, value, line }) =>
      reasoned(name, value, `set by the profile "${profile}"`, `${basename(path)}, line ${line}`),
    ),
    notes: leftOut.map(({ name, line, reason }) => `${name} of ${path}, line ${line}, is left out: ${reason}.`),
  };
}

function assertConnections(profile: string, settings: ReasonedSetting[], connections: number): void {
  const allowed = settings.find(({ name }) => name === 'max_connections')?.value;
  if (allowed === undefined || Number(allowed) >= connections + spareConnections) return;
  throw new UsageError(
    `The profile "${profile}" allows ${allowed} connections, but the load needs ${connections} and observing ${spareConnections}.`,
    { hint: `Set max_connections to at least ${connections + spareConnections}, or lower the load's connections.` },
  );
}

/** What measuring needs of every server, whatever its profile. */
function measuring({ connections }: ProfileContext): ReasonedSetting[] {
  const settings = [
    ours('shared_preload_libraries', 'pg_stat_statements', 'work of every statement is counted'),
    ours('compute_query_id', 'on', 'statements are recognised in plans and statistics'),
    ours('track_io_timing', 'on', 'time spent reading and writing is measured'),
  ];
  const needed = connections + spareConnections;
  if (needed > defaultConnections) {
    settings.push(ours('max_connections', needed, `${connections} for the load and ${spareConnections} to observe`));
  }
  return settings;
}

function ours(name: string, value: Settings[string], reason: string): ReasonedSetting {
  return reasoned(name, value, reason, 'pgrehearse');
}

/** Sections of PostgreSQL's manual, chapter Server Configuration, and the page of its wiki. */
const manual = {
  memory: 'manual, Resource Consumption: Memory',
  workers: 'manual, Resource Consumption: worker processes',
  io: 'manual, Resource Consumption: I/O',
  costs: 'manual, Query Planning: Planner Cost Constants',
  wal: 'manual, Write Ahead Log: Settings',
  checkpoints: 'manual, Write Ahead Log: Checkpoints',
  vacuum: 'manual, Routine Vacuuming: The Autovacuum Daemon',
  wiki: 'PostgreSQL wiki, Tuning Your PostgreSQL Server',
};

/**
 * The common rules of thumb that the documents behind the shipped workloads ask for, with the figure of this host. Left
 * out: what has been the default since PostgreSQL 14 (checkpoint_completion_target 0.9, default_statistics_target 100) and
 * max_prepared_transactions, which only two-phase commit needs.
 */
function tuned(host: Host, context: ProfileContext): ReasonedSetting[] {
  return [...memorySettings(host, context), ...diskSettings(host, context), ...workerSettings(host)];
}

function memorySettings(host: Host, { connections }: ProfileContext): ReasonedSetting[] {
  const memory = usableMemoryBytes(host);
  const allowed = Math.max(defaultConnections, connections + spareConnections);
  const whole = host.memoryLimitBytes === memory ? `the ${megabytes(memory)} of the control group` : 'memory';
  return [
    reasoned('shared_buffers', megabytes(Math.max(memory / 4, 128 * mebibyte)), `25 % of ${whole}`, manual.memory),
    reasoned(
      'effective_cache_size',
      megabytes(memory * 0.75),
      `75 % of ${whole}: what the kernel caches counts too`,
      manual.wiki,
    ),
    reasoned(
      'work_mem',
      megabytes(clamp(memory / 4 / allowed, 4 * mebibyte, 64 * mebibyte)),
      `25 % of ${whole} over ${allowed} connections, between 4 and 64 MB since one query may use it several times`,
      manual.memory,
    ),
    reasoned(
      'maintenance_work_mem',
      megabytes(clamp(memory / 16, 64 * mebibyte, 1024 * mebibyte)),
      `1/16 of ${whole}, at most 1 GB: index builds and vacuum`,
      manual.wiki,
    ),
  ];
}

function diskSettings(host: Host, { major }: ProfileContext): ReasonedSetting[] {
  const ample = usableMemoryBytes(host) >= 4096 * mebibyte;
  const settings = [
    reasoned(
      'random_page_cost',
      '1.1',
      'solid-state disk: a random page costs little more than the next one',
      manual.costs,
    ),
    reasoned('wal_buffers', '16MB', 'one WAL segment: commits seldom wait for room', manual.wal),
    reasoned('max_wal_size', ample ? '4GB' : '2GB', 'checkpoints by time, not by volume', manual.checkpoints),
    reasoned('min_wal_size', '1GB', 'WAL files are recycled rather than made anew', manual.checkpoints),
  ];
  // From 18 on reads are asynchronous and the default of 16 was chosen for that; before, it was 1.
  if (major < 18) {
    settings.push(reasoned('effective_io_concurrency', 200, 'solid-state disk: many reads at once', manual.io));
  }
  return settings;
}

function workerSettings({ cores }: Host): ReasonedSetting[] {
  const perGather = clamp(Math.floor(cores / 2), 1, 4);
  return [
    reasoned('max_parallel_workers', Math.max(2, cores), 'one for each core', manual.workers),
    reasoned(
      'max_parallel_workers_per_gather',
      perGather,
      'half the cores: one query must not starve the others',
      manual.workers,
    ),
    reasoned(
      'max_parallel_maintenance_workers',
      perGather,
      'half the cores: index builds beside the load',
      manual.workers,
    ),
    reasoned(
      'autovacuum_vacuum_scale_factor',
      '0.05',
      'large tables are vacuumed after 5 % changes, not 20 %',
      manual.vacuum,
    ),
    reasoned('autovacuum_analyze_scale_factor', '0.02', 'statistics follow 2 % changes, not 10 %', manual.vacuum),
  ];
}

/**
 * Settings for loading data into a new data folder. They give up everything that protects data, so they are only for
 * building a snapshot: a crash means starting again, and the files are synced before the snapshot counts.
 */
export function seedingSettings(host: Host, { major }: Pick<ProfileContext, 'major'>): Settings {
  const memory = usableMemoryBytes(host);
  return {
    fsync: false,
    synchronous_commit: false,
    full_page_writes: false,
    // Rows copied into a table of the same transaction, and new indexes, then bypass the WAL.
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_wal_size: '16GB',
    checkpoint_timeout: '1h',
    autovacuum: false,
    // Rows and indexes go past the buffers, and tables are read from the kernel's cache: large buffers only cost page faults and
    // cache misses (measured: 12 % of the server's time).
    shared_buffers: megabytes(clamp(memory / 8, 128 * mebibyte, 256 * mebibyte)),
    // As many index builds as cores may run at once, each with this much.
    maintenance_work_mem: megabytes(clamp(memory / 4 / host.cores, 64 * mebibyte, 2047 * mebibyte)),
    max_parallel_maintenance_workers: clamp(host.cores - 1, 1, 4),
    max_parallel_workers: Math.max(2, host.cores),
    // What is read lies in the kernel's cache: to have it read by processes for that only takes time from the builds (measured: 9 % of the server's).
    ...(major >= 18 ? { io_method: 'sync' } : {}),
  };
}

function reasoned(name: string, value: Settings[string], reason: string, source: string): ReasonedSetting {
  return { name, value: typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value), reason, source };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / mebibyte)}MB`;
}
