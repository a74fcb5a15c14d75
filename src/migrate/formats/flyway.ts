/** Flyway's SQL migrations: `V1.2__name.sql`, and `U1.2__name.sql` that takes one back. */
import { join } from 'node:path';
import { versionKey } from '../versions.ts';
import { hasFile, type MigrationFormat, type MigrationSource } from './format.ts';

const pattern = /^(?:[^/]+\/)?(?<prefix>[VU])(?<version>\d+(?:[._]\d+)*)__(?<name>.*)\.sql$/;

export const flywayFormat: MigrationFormat = {
  name: 'flyway',
  layout: 'V1__name.sql, and U1__name.sql where there is one',
  mayBeEmpty: true,
  fits: (folder) => hasFile(folder, pattern),
  read({ path, files }, faults) {
    const ups: MigrationSource[] = [];
    const downs = new Map<string, MigrationSource['down'] & {}>();
    for (const [fileName, content] of files) {
      if (!fileName.endsWith('.sql')) continue;
      const match = pattern.exec(fileName);
      if (!match) {
        faults.push(`${fileName}: ${adviceFor(fileName.split('/').at(-1)!)}`);
        continue;
      }
      const { prefix, version: spelt, name } = match.groups as { prefix: string; version: string; name: string };
      // Flyway reads underscores in a version as dots.
      const version = spelt.replaceAll('_', '.');
      const script = { path: join(path, fileName), content };
      if (prefix === 'V') ups.push({ version, name, up: script });
      else downs.set(versionKey(version), script);
    }
    return ups.map((migration) => {
      const down = downs.get(versionKey(migration.version));
      return down === undefined ? migration : { ...migration, down };
    });
  },
};

function adviceFor(name: string): string {
  if (name.startsWith('R__')) {
    return 'a repeatable migration has no version to stop at; copy what it makes into a versioned one for the rehearsal';
  }
  if (/^B\d/.test(name)) return 'a baseline migration is not read; the versions that it stands for are';
  return 'the name is not of the form V1__name.sql or U1__name.sql';
}
