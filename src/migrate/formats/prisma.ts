/**
 * Prisma Migrate, and Drizzle Kit from 1.0 on: a folder for each migration, `20260101120000_name/migration.sql`; a `down.sql` beside
 * it if somebody wrote one.
 */
import { join } from 'node:path';
import { hasFile, type MigrationFolder, type MigrationFormat } from './format.ts';

const lockFile = 'migration_lock.toml';

export const prismaFormat: MigrationFormat = {
  name: 'prisma',
  layout: 'NNN_name/migration.sql',
  mayBeEmpty: true,
  fits: (folder) => hasFile(folder, /^[^/]+\/migration\.sql$/),
  read(folder, faults) {
    faults.push(...providerFaults(folder));
    return [...folder.files].flatMap(([fileName, content]) => {
      if (!fileName.endsWith('/migration.sql')) return [];
      const directory = fileName.split('/')[0]!;
      const match = /^(?<version>\d+)(?:_(?<name>.+))?$/.exec(directory);
      if (!match) {
        faults.push(`${directory}: the name of the folder does not begin with digits`);
        return [];
      }
      const { version, name = 'migration' } = match.groups as { version: string; name?: string };
      const down = folder.files.get(`${directory}/down.sql`);
      return [
        {
          version,
          name,
          up: { path: join(folder.path, fileName), content },
          ...(down ? { down: { path: join(folder.path, directory, 'down.sql'), content: down } } : {}),
        },
      ];
    });
  },
};

/** The lock file says for which database the SQL was written. */
function providerFaults({ files }: MigrationFolder): string[] {
  const provider = /^\s*provider\s*=\s*"([^"]*)"/m.exec(files.get(lockFile)?.toString('utf8') ?? '')?.[1];
  if (provider === undefined || provider === 'postgresql') return [];
  return [`${lockFile}: the migrations are for ${provider}, not for PostgreSQL`];
}
