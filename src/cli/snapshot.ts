import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { formatBytes, formatCount, formatInstant } from '../report/format.ts';
import { defaultCacheDir } from '../server/cache.ts';
import { SnapshotStore, type Snapshot } from '../snapshot.ts';
import { readConfig, type CommandContext } from './context.ts';
import { configOption, jsonOption } from './options.ts';

interface SnapshotFlags {
  config?: string;
  json?: boolean;
  all?: boolean;
}

export function snapshotCommand(_context: CommandContext): Command {
  const command = new Command('snapshot').description('list and drop the seeded databases in the cache').addHelpText(
    'after',
    `
A snapshot is keyed by everything that shapes its rows: migrations, seed definition, --seed, --scale, PostgreSQL's major.

Examples:
  pgrehearse snapshot list
  pgrehearse snapshot drop 3f9a        any beginning of a key that is not ambiguous
  pgrehearse snapshot drop --all`,
  );
  command.addCommand(
    new Command('list')
      .description('show snapshots with size, age and key parts')
      .addOption(configOption())
      .addOption(jsonOption('the snapshots'))
      .action(async (flags: SnapshotFlags) => {
        await using store = await openStore(flags);
        const snapshots = await store.list();
        if (flags.json) console.log(JSON.stringify(snapshots));
        else if (snapshots.length === 0) console.log('There are no snapshots. `pgrehearse seed` makes one.');
        else for (const snapshot of snapshots) console.log(describe(snapshot));
      }),
  );
  command.addCommand(
    new Command('drop')
      .description('remove snapshots from the cache')
      .argument('[key...]', 'beginnings of keys, as `snapshot list` shows them')
      .option('--all', 'all of them')
      .addOption(configOption())
      .action(async (keys: string[], flags: SnapshotFlags) => {
        await using store = await openStore(flags);
        for (const snapshot of choose(await store.list(), keys, flags.all ?? false)) {
          await store.drop(snapshot.key);
          console.log(`Dropped ${snapshot.key.slice(0, 12)}, ${formatBytes(snapshot.bytes)}.`);
        }
      }),
  );
  return command;
}

async function openStore(flags: SnapshotFlags): Promise<SnapshotStore> {
  const { config } = await readConfig(flags);
  return new SnapshotStore(config.cacheDir ?? (await defaultCacheDir()));
}

function describe({ key, bytes, createdAt, lastUsedAt, parts }: Snapshot): string {
  const { workload, scale, seed, migrations, postgresMajor } = parts;
  const applied = Array.isArray(migrations) ? formatCount(migrations.length) : '?';
  return [
    key.slice(0, 12),
    formatBytes(bytes).padStart(9),
    `${String(workload)} scale ${String(scale)} seed ${String(seed)}, ${applied} migrations, PostgreSQL ${String(postgresMajor)}`,
    `made ${formatInstant(createdAt)}, used ${formatInstant(lastUsedAt)}`,
  ].join('  ');
}

function choose(snapshots: Snapshot[], keys: readonly string[], all: boolean): Snapshot[] {
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
