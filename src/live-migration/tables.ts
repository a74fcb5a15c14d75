/** Which tables the statements of a migration name, by their parse trees. */
import type { Migration } from '../migrate.ts';

/** Names of tables, views and indexes in the up files, each once. */
export function relationsOf(migrations: readonly Migration[]): string[] {
  return [...new Set(migrations.flatMap(({ up }) => up.statements.flatMap(({ node }) => relationsIn(node))))];
}

/** The same of a parse tree, as often as they stand there. */
export function relationsIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'relname' && typeof value === 'string' ? [value] : relationsIn(value),
  );
}
