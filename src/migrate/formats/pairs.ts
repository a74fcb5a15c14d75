/** Pairs of files `001_x.up.sql` and `001_x.down.sql`: our own layout, and golang-migrate's, which is less strict. */
import { join } from 'node:path';
import { versionKey } from '../versions.ts';
import { hasFile, sqlFiles, type MigrationFolder, type MigrationFormat, type MigrationSource } from './format.ts';

type Halves = Pick<MigrationSource, 'version' | 'name'> & Partial<Pick<MigrationSource, 'up' | 'down'>>;

/** Every migration can be taken back, and the names are plain. */
export const pgrehearseFormat: MigrationFormat = {
  name: 'pgrehearse',
  layout: 'NNN_name.up.sql and NNN_name.down.sql',
  mayBeEmpty: false,
  fits: (folder) => hasFile(folder, /^[^/]+\.(up|down)\.sql$/i),
  read(folder, faults) {
    const pairs = readPairs(folder, /^(?<version>\d+)_(?<name>[\w-]+)\.(?<direction>up|down)\.sql$/, faults);
    for (const { version, name, up, down } of pairs) {
      const base = `${version}_${name}`;
      if (!up) faults.push(`${base}.down.sql has no ${base}.up.sql`);
      if (!down) faults.push(`${base}.up.sql has no ${base}.down.sql`);
      if (versionKey(version) === '0') faults.push(`${base}: version ${version} means "no migration"; begin with 001`);
    }
    if (pairs.length === 0 && faults.length === 0) faults.push('it holds no NNN_name.up.sql');
    return pairs.flatMap(({ up, ...rest }) => (up ? [{ ...rest, up }] : []));
  },
};

/**
 * The same files as golang-migrate takes them (source/parse.go): any name, and a half may be missing. Chosen by name only: the
 * files alone do not tell it from ours.
 */
export const golangMigrateFormat: MigrationFormat = {
  name: 'golang-migrate',
  layout: 'NNN_name.up.sql, and NNN_name.down.sql where there is one',
  mayBeEmpty: true,
  fits: () => false,
  read(folder, faults) {
    const pairs = readPairs(folder, /^(?<version>\d+)_(?<name>.+)\.(?<direction>up|down)\.sql$/, faults);
    // A version that can only go down does nothing on the way up.
    return pairs.flatMap(({ up, ...rest }) => (up ? [{ ...rest, up }] : []));
  },
};

function readPairs(folder: MigrationFolder, pattern: RegExp, faults: string[]): Halves[] {
  const pairs = new Map<string, Halves>();
  for (const [fileName, content] of sqlFiles(folder)) {
    const match = pattern.exec(fileName);
    if (!match) {
      faults.push(`${fileName}: the name is not of the form NNN_name.up.sql or NNN_name.down.sql`);
      continue;
    }
    const { version, name, direction } = match.groups as { version: string; name: string; direction: 'up' | 'down' };
    const key = `${version}_${name}`;
    const pair = pairs.get(key) ?? { version, name };
    pair[direction] = { path: join(folder.path, fileName), content };
    pairs.set(key, pair);
  }
  return [...pairs.values()];
}
