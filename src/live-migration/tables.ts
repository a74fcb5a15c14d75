/** Which tables the statements of a migration name, by their parse trees. */
import type { Migration } from '../migrate.ts';

/** Names of tables, views and indexes in the up files, each once. */
export function relationsOf(migrations: readonly Migration[]): string[] {
  const names = new Set<string>();
  for (const { up } of migrations) for (const { node } of up.statements) collect(node, names);
  return [...names];
}

function collect(node: unknown, names: Set<string>): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'relname' && typeof value === 'string') names.add(value);
    else collect(value, names);
  }
}
