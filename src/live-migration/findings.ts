/**
 * What is known to hurt before anything runs: statements of migrations by their parse trees, each with what helps. The measurement
 * then confirms or clears it. (PostgreSQL documentation: ALTER TABLE, "Notes"; CREATE INDEX, "Building Indexes Concurrently".)
 */
import { relative, sep } from 'node:path';
import type { Migration } from '../migrate.ts';
import type { SqlStatement } from '../sql.ts';
import type { Finding } from './record.ts';

type Rule = Pick<Finding, 'rule' | 'advice'>;

const rules = {
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
  },
  volatileDefault: {
    rule: 'a default that differs from row to row rewrites the table under a lock that keeps everybody out',
    advice: 'Add the column without the default, set the default, fill in batches.',
  },
  rename: {
    rule: 'a name changes under statements that use it',
    advice: 'Add the new name beside the old one (a column, a view), move the application, then drop the old one.',
  },
  drop: {
    rule: 'something is dropped that running statements may use',
    advice: 'Drop it only when no version of the application that runs still names it.',
  },
  rewrite: {
    rule: 'the table is rewritten under a lock that keeps everybody out',
    advice: 'Rebuild it without the lock (pg_repack), or leave it to autovacuum.',
  },
  wholeTable: {
    rule: 'all rows are changed in one transaction',
    advice: 'Change the rows in batches with a commit after each, outside of a transaction.',
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

/** Findings in the order of the files. Tables that the same migrations make are empty: nothing can hurt there. */
export function findingsOf(migrations: readonly Migration[], folder: string): Finding[] {
  const made = new Set<string>();
  return migrations.flatMap(({ up }) =>
    up.statements.flatMap((statement) => {
      const relation = relationOf(statement);
      if (statement.kind === 'CreateStmt' && relation !== undefined) made.add(relation);
      if (relation !== undefined && made.has(relation)) return [];
      const file = relative(folder, up.path).split(sep).join('/');
      return [...new Set(rulesBroken(statement))].map(({ rule, advice }) => ({
        file,
        line: statement.line,
        rule,
        advice,
      }));
    }),
  );
}

function relationOf({ node, kind }: SqlStatement): string | undefined {
  return (node[kind] as { relation?: { relname?: string } } | undefined)?.relation?.relname;
}

function rulesBroken({ node }: SqlStatement): Rule[] {
  if (node.IndexStmt) return node.IndexStmt.concurrent ? [] : [rules.index];
  if (node.AlterTableStmt) return (node.AlterTableStmt.cmds ?? []).flatMap(alterationOf);
  if (node.RenameStmt) return [rules.rename];
  if (node.DropStmt) return dropOf(node.DropStmt);
  if (node.UpdateStmt) return node.UpdateStmt.whereClause ? [] : [rules.wholeTable];
  if (node.DeleteStmt) return node.DeleteStmt.whereClause ? [] : [rules.wholeTable];
  if (node.RefreshMatViewStmt) return node.RefreshMatViewStmt.concurrent ? [] : [rules.refresh];
  if (node.ClusterStmt) return [rules.rewrite];
  const full = node.VacuumStmt?.options?.some((option) => 'DefElem' in option && option.DefElem.defname === 'full');
  return full ? [rules.rewrite] : [];
}

function dropOf({ removeType, concurrent }: { removeType?: string; concurrent?: boolean }): Rule[] {
  if (removeType === 'OBJECT_INDEX') return concurrent ? [] : [rules.dropIndex];
  return removeType === 'OBJECT_TABLE' || removeType === 'OBJECT_VIEW' ? [rules.drop] : [];
}

/** The parts of the trees that matter here. */
interface Constraint {
  contype?: string;
  skip_validation?: boolean;
  indexname?: string;
  raw_expr?: unknown;
}
interface ColumnDefinition {
  typeName?: { names?: unknown[] };
  constraints?: { Constraint?: Constraint }[];
}

function alterationOf(command: object): Rule[] {
  const { subtype, def } = (command as { AlterTableCmd?: { subtype?: string; def?: object } }).AlterTableCmd ?? {};
  switch (subtype) {
    case 'AT_AddColumn':
      return columnRules((def as { ColumnDef?: ColumnDefinition }).ColumnDef ?? {});
    case 'AT_SetNotNull':
      return [rules.notNull];
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
  const found = constraints.flatMap(({ Constraint: own = {} }): Rule[] => {
    if (own.contype === 'CONSTR_IDENTITY') return [rules.volatileDefault];
    if (own.contype === 'CONSTR_DEFAULT')
      return namesIn(own.raw_expr).some((name) => volatile.has(name)) ? [rules.volatileDefault] : [];
    return own.contype === 'CONSTR_UNIQUE' || own.contype === 'CONSTR_PRIMARY' ? [rules.uniqueConstraint] : [];
  });
  return serial ? [rules.volatileDefault, ...found] : found;
}

function constraintRules({ contype, skip_validation: skipped, indexname }: Constraint): Rule[] {
  if (contype === 'CONSTR_CHECK' || contype === 'CONSTR_FOREIGN') return skipped ? [] : [rules.constraint];
  const builds = contype === 'CONSTR_UNIQUE' || contype === 'CONSTR_PRIMARY' || contype === 'CONSTR_EXCLUSION';
  return builds && indexname === undefined ? [rules.uniqueConstraint] : [];
}

/** Every name in a tree: functions, types. */
function namesIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'sval' && typeof value === 'string' ? [value] : namesIn(value),
  );
}
