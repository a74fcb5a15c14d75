/**
 * What is known to hurt of single statements, by their parse trees, each with what helps. (PostgreSQL documentation: ALTER TABLE,
 * "Notes"; CREATE INDEX, "Building Indexes Concurrently"; "Explicit Locking".)
 */
import type { SqlStatement } from '../sql.ts';
import type { Finding } from './record.ts';

export type Rule = Omit<Finding, 'file' | 'line'>;

export const rules = {
  index: {
    rule: 'an index is built under a lock that keeps writers out',
    advice: 'CREATE INDEX CONCURRENTLY keeps writers going, in a file of its own.',
  },
  dropIndex: {
    rule: 'an index is dropped under a lock that keeps everybody out',
    advice: 'DROP INDEX CONCURRENTLY waits without a queue behind it.',
  },
  notNull: {
    rule: 'NOT NULL is proved by reading the whole table under a lock that keeps everybody out',
    advice:
      'Add CHECK (column IS NOT NULL) NOT VALID, VALIDATE it, then SET NOT NULL: it takes the proof and reads nothing.',
  },
  constraint: {
    rule: 'a constraint is proved for every row under a lock',
    advice: 'Add the constraint NOT VALID and VALIDATE it in a transaction of its own.',
  },
  uniqueConstraint: {
    rule: 'a unique index is built under a lock that keeps everybody out',
    advice: 'Build it with CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT ... USING INDEX.',
  },
  type: {
    rule: 'a new type may rewrite the table under a lock that keeps everybody out',
    advice: 'A new type that rewrites the table: add a column, copy in batches, then swap.',
    breaksStatements: true,
  },
  volatileDefault: {
    rule: 'a default that differs from row to row rewrites the table under a lock that keeps everybody out',
    advice: 'Add the column without the default, set the default, fill in batches.',
  },
  stored: {
    rule: 'a stored generated column rewrites the table under a lock that keeps everybody out',
    advice: 'Add a plain column, fill it in batches and keep it by a trigger; or compute it where it is read.',
  },
  rename: {
    rule: 'a name changes under statements that use it',
    advice: 'Add the new name beside the old one (a column, a view), move the application, then drop the old one.',
    breaksStatements: true,
  },
  drop: {
    rule: 'something is dropped that running statements may use',
    advice: 'Drop it only when no version of the application that runs still names it.',
    breaksStatements: true,
  },
  rewrite: {
    rule: 'the table is rewritten under a lock that keeps everybody out',
    advice: 'Rebuild it without the lock (pg_repack), or leave it to autovacuum.',
  },
  wholeTable: {
    rule: 'all rows are changed in one transaction',
    advice: 'Change the rows in batches with a commit after each, outside of a transaction.',
  },
  lockTable: {
    rule: 'a whole table is locked until the transaction ends',
    advice: 'Lock rows, or take an advisory lock that only those ask for who need it.',
  },
  truncate: {
    rule: 'all rows go under a lock that keeps everybody out',
    advice: 'DELETE in batches with a commit after each, where others still use the table.',
  },
  reindex: {
    rule: 'an index is rebuilt under a lock that keeps writers out, and readers that plan with it',
    advice: 'REINDEX CONCURRENTLY keeps everybody going, in a file of its own.',
  },
  workUnderLock: {
    rule: 'rows are read or changed while the transaction still has a lock that keeps others out',
    advice: 'A file of its own for each: the lock of the first goes before the work of the second begins.',
  },
  secondTable: {
    rule: 'a second table is locked while the transaction still has the first: whoever takes them in another order deadlocks with it',
    advice: 'A file of its own for each table.',
  },
  refresh: {
    rule: 'a view is refreshed under a lock that keeps readers out',
    advice: 'REFRESH MATERIALIZED VIEW CONCURRENTLY needs a unique index and keeps readers going.',
  },
} satisfies Record<string, Rule>;

/** Functions whose value differs from row to row, as defaults have them. */
const volatile = new Set([
  'gen_random_uuid',
  'uuidv4',
  'uuidv7',
  'uuid_generate_v4',
  'random',
  'clock_timestamp',
  'timeofday',
  'nextval',
]);
const serialTypes = new Set(['serial', 'serial4', 'serial8', 'bigserial', 'smallserial', 'serial2']);

/**
 * What is known of one statement by itself.
 *
 * @param proved columns of its table for which NOT NULL is proved already
 */
export function rulesOf({ node }: SqlStatement, proved: ReadonlySet<string> = new Set()): Rule[] {
  if (node.IndexStmt) return node.IndexStmt.concurrent ? [] : [rules.index];
  if (node.AlterTableStmt) return (node.AlterTableStmt.cmds ?? []).flatMap((one) => alterationOf(one, proved));
  if (node.RenameStmt) return [rules.rename];
  if (node.DropStmt) return dropOf(node.DropStmt);
  if (node.UpdateStmt) return choosesRows(node.UpdateStmt.whereClause) ? [] : [rules.wholeTable];
  if (node.DeleteStmt) return choosesRows(node.DeleteStmt.whereClause) ? [] : [rules.wholeTable];
  if (node.TruncateStmt) return [rules.truncate];
  if (node.LockStmt) return lockMode(node.LockStmt) >= shareLock ? [rules.lockTable] : [];
  if (node.ReindexStmt) return hasOption(node.ReindexStmt.params, 'concurrently') ? [] : [rules.reindex];
  if (node.RefreshMatViewStmt) return node.RefreshMatViewStmt.concurrent ? [] : [rules.refresh];
  if (node.ClusterStmt) return [rules.rewrite];
  return hasOption(node.VacuumStmt?.options, 'full') ? [rules.rewrite] : [];
}

/** SHARE, the weakest lock that keeps writers out (lockdefs.h numbers them). */
export const shareLock = 5;

/** Number of the mode of a LOCK TABLE; 0 for what is none. */
export function lockMode(statement: { mode?: number } | undefined): number {
  return statement?.mode ?? 0;
}

function hasOption(options: readonly object[] | undefined, name: string): boolean {
  return options?.some((option) => (option as { DefElem?: { defname?: string } }).DefElem?.defname === name) ?? false;
}

/** `WHERE new_column IS NULL` is how a backfill says that it means every row. */
function choosesRows(where: object | undefined): boolean {
  return where !== undefined && !('NullTest' in where);
}

function dropOf({ removeType, concurrent }: { removeType?: string; concurrent?: boolean }): Rule[] {
  if (removeType === 'OBJECT_INDEX') return concurrent ? [] : [rules.dropIndex];
  return removeType === 'OBJECT_TABLE' || removeType === 'OBJECT_VIEW' ? [rules.drop] : [];
}

/** The parts of the trees that matter here. */
export interface Constraint {
  contype?: string;
  conname?: string;
  skip_validation?: boolean;
  indexname?: string;
  generated_kind?: string;
  raw_expr?: unknown;
}
interface Alteration {
  subtype?: string;
  name?: string;
  def?: object;
}
interface ColumnDefinition {
  typeName?: { names?: unknown[] };
  constraints?: { Constraint?: Constraint }[];
}

/** One command of an ALTER TABLE. */
export function alteration(command: object): Alteration {
  return (command as { AlterTableCmd?: Alteration }).AlterTableCmd ?? {};
}

function alterationOf(command: object, proved: ReadonlySet<string>): Rule[] {
  const { subtype, name = '', def } = alteration(command);
  switch (subtype) {
    case 'AT_AddColumn':
      return columnRules((def as { ColumnDef?: ColumnDefinition }).ColumnDef ?? {});
    case 'AT_SetNotNull':
      return proved.has(name) ? [] : [rules.notNull];
    case 'AT_AlterColumnType':
      return [rules.type];
    case 'AT_AddConstraint':
      return constraintRules((def as { Constraint?: Constraint }).Constraint ?? {});
    case 'AT_DropColumn':
      return [rules.drop];
    case 'AT_SetLogged':
    case 'AT_SetUnLogged':
    case 'AT_SetAccessMethod':
      return [rules.rewrite];
    case undefined:
    default:
      return [];
  }
}

/** A constant default is kept in the catalogue (since PostgreSQL 11); a new column without one has nothing to prove. */
function columnRules({ typeName, constraints = [] }: ColumnDefinition): Rule[] {
  const serial = namesIn(typeName?.names).some((name) => serialTypes.has(name));
  const hasDefault = constraints.some(({ Constraint: own }) => own?.contype === 'CONSTR_DEFAULT');
  const found = constraints.flatMap(({ Constraint: own = {} }): Rule[] => {
    if (own.contype === 'CONSTR_IDENTITY') return [rules.volatileDefault];
    if (own.contype === 'CONSTR_CHECK') return [rules.constraint];
    // Without a default every new value is null, which needs no proof.
    if (own.contype === 'CONSTR_FOREIGN') return hasDefault ? [rules.constraint] : [];
    if (own.contype === 'CONSTR_GENERATED') return own.generated_kind === 's' ? [rules.stored] : [];
    if (own.contype === 'CONSTR_DEFAULT')
      return namesIn(own.raw_expr).some((name) => volatile.has(name)) ? [rules.volatileDefault] : [];
    return own.contype === 'CONSTR_UNIQUE' || own.contype === 'CONSTR_PRIMARY' ? [rules.uniqueConstraint] : [];
  });
  return serial ? [rules.volatileDefault, ...found] : found;
}

function constraintRules({ contype, skip_validation: skipped, indexname }: Constraint): Rule[] {
  if (contype === 'CONSTR_CHECK' || contype === 'CONSTR_FOREIGN') return skipped ? [] : [rules.constraint];
  if (contype === 'CONSTR_NOTNULL') return skipped ? [] : [rules.notNull];
  const builds = contype === 'CONSTR_UNIQUE' || contype === 'CONSTR_PRIMARY' || contype === 'CONSTR_EXCLUSION';
  return builds && indexname === undefined ? [rules.uniqueConstraint] : [];
}

/** Every name in a tree: functions, types, columns. */
export function namesIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'sval' && typeof value === 'string' ? [value] : namesIn(value),
  );
}
