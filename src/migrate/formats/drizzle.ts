/** Drizzle Kit: `0000_name.sql` in the order of meta/_journal.json; statements are parted by a comment, which PostgreSQL passes over. */
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../errors.ts';
import { sqlFiles, type MigrationFolder, type MigrationFormat } from './format.ts';

const journalFile = 'meta/_journal.json';

/** What of the journal counts for us. */
const journal = z.object({ dialect: z.string(), entries: z.array(z.object({ idx: z.number(), tag: z.string() })) });
type Journal = z.infer<typeof journal>;

export const drizzleFormat: MigrationFormat = {
  name: 'drizzle',
  layout: `NNNN_name.sql with ${journalFile}`,
  mayBeEmpty: true,
  fits: ({ files }) => files.has(journalFile),
  read(folder, faults) {
    const read = readJournal(folder, faults);
    if (read === undefined) return [];
    const tags = new Set(read.entries.map(({ tag }) => `${tag}.sql`));
    for (const [fileName] of sqlFiles(folder)) {
      if (!tags.has(fileName))
        faults.push(`${fileName}: ${journalFile} does not have it, so Drizzle would not apply it`);
    }
    return read.entries.flatMap(({ tag }) => {
      const [match, content] = [/^(?<version>\d+)_(?<name>.+)$/.exec(tag), folder.files.get(`${tag}.sql`)];
      if (!match) faults.push(`${journalFile}: the tag ${tag} does not begin with digits`);
      if (content === undefined) faults.push(`${journalFile} names ${tag}, and there is no ${tag}.sql`);
      if (!match || content === undefined) return [];
      const { version, name } = match.groups as { version: string; name: string };
      return [{ version, name, up: { path: join(folder.path, `${tag}.sql`), content } }];
    });
  },
};

function readJournal({ files }: MigrationFolder, faults: string[]): Journal | undefined {
  try {
    const read = journal.parse(JSON.parse(files.get(journalFile)?.toString('utf8') ?? ''));
    if (read.dialect === 'postgresql' || read.dialect === 'pg') return read;
    faults.push(`${journalFile}: the migrations are for ${read.dialect}, not for PostgreSQL`);
  } catch (error) {
    faults.push(`${journalFile} cannot be read: ${messageOf(error)}`);
  }
  return undefined;
}
