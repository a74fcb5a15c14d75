import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { FaultList } from '../faults.ts';
import { formatBytes, formatPlural } from '../report/format.ts';
import { defaultCacheDir } from '../server/cache.ts';
import { serverChoice } from '../server/choice.ts';
import { dropSnapshot, listSnapshots } from '../server/docker/snapshots.ts';
import { externalTarget } from '../server/external/connection.ts';
import { ExternalSnapshots } from '../server/external/snapshots.ts';
import { reachServer } from '../server/external/survey.ts';
import { reapLeftovers } from '../server/leftovers.ts';
import { SnapshotStore, type ListedSnapshot } from '../snapshot.ts';
import { readConfig, type CommandContext } from './context.ts';
import { configOption, jsonOption } from './options.ts';
import { serverOption } from './server-options.ts';

interface SnapshotFlags {
  server?: string;
  config?: string;
  json?: boolean;
  all?: boolean;
}

export function snapshotCommand(_context: CommandContext): Command {
  const command = new Command('snapshot').description('list and drop the seeded databases in the cache').addHelpText(
    'after',
    `
A snapshot is keyed by everything that shapes its rows: migrations, seed definition, --seed, --scale, PostgreSQL's major.
Beyond 60 GB (cacheLimit in pgrehearse.config.ts, or PGREHEARSE_CACHE_LIMIT) those unused for longest are dropped by
themselves after a new one was made; those in use never are.

Examples:
  pgrehearse snapshot list
  pgrehearse snapshot drop 3f9a        any beginning of a key that is not ambiguous
  pgrehearse snapshot drop --all
  pgrehearse snapshot list --server postgres://rehearser@db.test/postgres
  pgrehearse snapshot list --server docker`,
  );
  command.addCommand(
    new Command('list')
      .description('show what each snapshot is, its size and age, its last use, and whether it is in use')
      .addOption(serverOption())
      .addOption(configOption())
      .addOption(jsonOption('the snapshots'))
      .action(async (flags: SnapshotFlags) => {
        await using store = await openStore(flags);
        const snapshots = await store.list();
        if (flags.json) console.log(JSON.stringify(snapshots));
        else if (snapshots.length === 0) console.log('There are no snapshots. `pgrehearse seed` makes one.');
        else printList(snapshots);
      }),
  );
  command.addCommand(
    new Command('drop')
      .description('remove snapshots from the cache')
      .argument('[key...]', 'beginnings of keys, as `snapshot list` shows them')
      .option('--all', 'all of them')
      .addOption(serverOption())
      .addOption(configOption())
      .action(async (keys: string[], flags: SnapshotFlags) => {
        await using store = await openStore(flags);
        const faults = new FaultList();
        for (const snapshot of choose(await store.list(), keys, flags.all ?? false)) {
          await faults.tryAsync(async () => {
            await store.drop(snapshot.key);
            console.log(`Dropped ${snapshot.key.slice(0, 12)}, ${formatBytes(snapshot.bytes)}.`);
          });
        }
        // No limit: only what the list cannot show.
        if (flags.all && store instanceof SnapshotStore) await store.evict(Infinity);
        faults.throwIfAny();
      }),
  );
  return command;
}

/** Snapshots, wherever they are. */
type ListedStore = AsyncDisposable & Pick<ExternalSnapshots, 'list' | 'drop'>;

async function openStore(flags: SnapshotFlags): Promise<ListedStore> {
  const { config } = await readConfig(flags);
  const choice = serverChoice(flags.server ?? config.server);
  if (choice.kind === 'external') {
    return ExternalSnapshots.open(await reachServer(externalTarget(choice.url)), tell);
  }
  const cacheDir = config.cacheDir ?? (await defaultCacheDir());
  for (const sentence of await reapLeftovers(cacheDir)) tell(sentence);
  if (choice.kind === 'docker') return { list: listSnapshots, drop: dropSnapshot, async [Symbol.asyncDispose]() {} };
  return new SnapshotStore(cacheDir, { onNotice: tell });
}

/** Not on stdout, which is for the list. */
function tell(sentence: string): void {
  console.error(sentence);
}

function printList(snapshots: readonly ListedSnapshot[]): void {
  for (const snapshot of snapshots) console.log(describe(snapshot));
  const bytes = snapshots.reduce((sum, snapshot) => sum + snapshot.bytes, 0);
  console.log(`${formatPlural(snapshots.length, 'snapshot')}, ${formatBytes(bytes)}.`);
}

function describe({ key, bytes, createdAt, lastUsedAt, inUseBy, parts }: ListedSnapshot): string {
  const { workload, scale, seed, migrations, postgresMajor } = parts;
  const applied = Array.isArray(migrations) ? formatPlural(migrations.length, 'migration') : '? migrations';
  const use = inUseBy === undefined ? `used ${formatAge(lastUsedAt)}` : `in use by process ${inUseBy}`;
  return [
    key.slice(0, 12),
    formatBytes(bytes).padStart(9),
    `${String(workload)} scale ${String(scale)} seed ${String(seed)}, ${applied}, PostgreSQL ${String(postgresMajor)}`,
    `made ${formatAge(createdAt)}, ${use}`,
  ].join('  ');
}

const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

/** Whole units of the largest kind: '3 days ago'. */
export function formatAge(instant: string, nowMs = Date.now()): string {
  const seconds = (nowMs - Date.parse(instant)) / 1000;
  const unit = units.find(([, length]) => seconds >= length);
  return unit === undefined ? 'just now' : `${formatPlural(Math.floor(seconds / unit[1]), unit[0])} ago`;
}

function choose(snapshots: ListedSnapshot[], keys: readonly string[], all: boolean): ListedSnapshot[] {
  if (all) return snapshots;
  if (keys.length === 0) {
    throw new UsageError('No snapshot was named.', { hint: 'Give keys from `pgrehearse snapshot list`, or --all.' });
  }
  return keys.map((key) => {
    const [found, ...others] = snapshots.filter((snapshot) => snapshot.key.startsWith(key));
    if (found && others.length === 0) return found;
    throw new UsageError(found ? `More than one snapshot begins with ${key}.` : `There is no snapshot ${key}.`, {
      hint: '`pgrehearse snapshot list` shows them.',
    });
  });
}
