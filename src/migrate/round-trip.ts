/** Up, down and up again: whether each down file really takes back what its up file did. */
import { withClient } from '../database.ts';
import { UsageError } from '../errors.ts';
import { migrate, type Migration } from '../migrate.ts';
import type { MigrationRecord } from '../result.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { compareVersions } from './versions.ts';

/**
 * Applies every migration, takes it back and applies it again, comparing the schema at each turn. One without a down file is
 * applied once.
 *
 * @param connection a database of ours, empty or at the version `from`
 * @param from version that the database is at, with rows that the migrations above it work on: default 000, nothing
 * @param onApplied called with the record of each first application, and whether a down file is there to try
 * @returns records of the first applications, in order
 * @throws UsageError that names the migration whose down file leaves something behind, or whose second up differs
 */
export async function roundTrip(
  connection: ConnectionTarget,
  migrations: readonly Migration[],
  options: {
    signal?: AbortSignal;
    from?: string;
    onApplied?: (record: MigrationRecord, takenBack: boolean) => void;
  } = {},
): Promise<MigrationRecord[]> {
  const { signal, from = '000', onApplied } = options;
  const control = signal ? { signal } : {};
  const records: MigrationRecord[] = [];
  let below = from;
  for (const { version, name, down } of migrations.filter((one) => compareVersions(one.version, from) > 0)) {
    const before = await describeSchema(connection);
    records.push(...(await migrate(connection, migrations, { to: version, ...control })));
    onApplied?.(records.at(-1)!, down !== undefined);
    below = down === undefined ? version : below;
    if (down === undefined) continue;
    const after = await describeSchema(connection);
    await migrate(connection, migrations, { direction: 'down', to: below, ...control });
    expectSame(
      before,
      await describeSchema(connection),
      `the down file of ${version}_${name} does not restore the schema`,
    );
    await migrate(connection, migrations, { to: version, ...control });
    expectSame(
      after,
      await describeSchema(connection),
      `the up file of ${version}_${name} makes another schema the second time`,
    );
    below = version;
  }
  return records;
}

function expectSame(expected: string[], actual: string[], complaint: string): void {
  const missing = expected.filter((line) => !actual.includes(line));
  const extra = actual.filter((line) => !expected.includes(line));
  const differences = [...missing.map((line) => `  - missing: ${line}`), ...extra.map((line) => `  - extra: ${line}`)];
  if (differences.length === 0) return;
  throw new UsageError(`${complaint}:\n${differences.slice(0, 10).join('\n')}`, {
    hint: 'Correct the down file so that it takes back everything that the up file does.',
  });
}

/** One line for each object of the user's schemas, in a fixed order. */
export async function describeSchema(connection: ConnectionTarget): Promise<string[]> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ line: string }>(schemaQuery);
    return rows.map(({ line }) => line);
  });
}

/** Names and definitions as PostgreSQL prints them; physical column order counts only within what survives. */
const schemaQuery = `
  WITH ours AS (SELECT oid, nspname FROM pg_namespace
                 WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pgrehearse') AND nspname NOT LIKE 'pg_toast%'
                   AND nspname NOT LIKE 'pg_temp%'),
       objects AS (
    SELECT format('%s %s.%s %s', c.relkind, n.nspname, c.relname, c.reloptions) AS line
      FROM pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT format('column %s.%s %s %s%s default %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attnotnull THEN ' not null' END, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN ours n ON n.oid = c.relnamespace
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT format('constraint %s on %s: %s%s', conname, conrelid::regclass, pg_get_constraintdef(k.oid),
                  CASE WHEN NOT convalidated THEN ' (not validated)' END)
      FROM pg_constraint k JOIN ours n ON n.oid = k.connamespace WHERE contype <> 'n'
    UNION ALL
    SELECT pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' (invalid)' END
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN ours n ON n.oid = c.relnamespace
    UNION ALL
    SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN ours n ON n.oid = c.relnamespace
     WHERE NOT tgisinternal
    UNION ALL
    SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace
     WHERE prokind IN ('f', 'p') AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = p.oid AND x.deptype = 'e')
    UNION ALL
    SELECT format('view %s.%s: %s', n.nspname, c.relname, pg_get_viewdef(c.oid))
      FROM pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
    UNION ALL
    SELECT format('type %s.%s %s', n.nspname, t.typname, (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
      FROM pg_type t JOIN ours n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd')
  )
  SELECT line FROM objects ORDER BY line`;
