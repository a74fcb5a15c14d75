/**
 * What is known to hurt before anything runs: statements of migrations, in their order, by their parse trees. The measurement then
 * confirms or clears each finding.
 */
import type { Migration } from '../migrate.ts';
import type { SqlStatement } from '../sql.ts';
import { fileIn } from './place.ts';
import type { Finding } from './record.ts';
import { alteration, namesIn, lockMode, rules, rulesOf, shareLock, type Constraint, type Rule } from './rules.ts';

/** Findings in the order of the files. Tables that the same migrations make are empty: nothing can hurt there. */
export function findingsOf(migrations: readonly Migration[], folder: string): Finding[] {
  const history = new History();
  return migrations.flatMap(({ up }) => {
    const file = fileIn(folder, up.path);
    history.beginFile(up.transactional);
    return up.statements.flatMap((statement) =>
      [...new Set(history.rulesBrokenBy(statement))].map((rule) => ({ file, line: statement.line, ...rule })),
    );
  });
}

/** What statements have done so far, where it decides whether a later one hurts. */
class History {
  readonly #made = new Set<string>();
  /** Columns of tables that a CHECK (column IS NOT NULL) is about, by table and constraint; and those for which it is validated. */
  readonly #checks = new Map<string, string>();
  readonly #proved = new Map<string, Set<string>>();
  /** Tables with a lock that keeps others out until the end of the transaction; undefined where each statement has its own. */
  #locked: Set<string> | undefined;

  beginFile(transactional: boolean): void {
    this.#locked = transactional ? new Set() : undefined;
  }

  rulesBrokenBy(statement: SqlStatement): Rule[] {
    const tables = tablesOf(statement);
    if (statement.kind === 'CreateStmt') tables.forEach((table) => this.#made.add(table));
    if (tables.length > 0 && tables.every((table) => this.#made.has(table))) return [];
    const broken = [
      ...rulesOf(statement, this.#proved.get(tables[0] ?? '')),
      ...this.#rulesOfTransaction(statement, tables),
    ];
    if (locksOthersOut(statement)) tables.forEach((table) => this.#locked?.add(table));
    for (const command of statement.node.AlterTableStmt?.cmds ?? []) this.#noteProof(command, tables[0] ?? '');
    return broken;
  }

  #rulesOfTransaction(statement: SqlStatement, tables: readonly string[]): Rule[] {
    if (this.#locked === undefined || this.#locked.size === 0) return [];
    if (worksOnRows(statement)) return [rules.workUnderLock];
    const second = tables.some((table) => !this.#locked!.has(table) && !this.#made.has(table));
    return second && locksOthersOut(statement) ? [rules.secondTable] : [];
  }

  /** SET NOT NULL takes a validated CHECK (column IS NOT NULL) as its proof. */
  #noteProof(command: object, table: string): void {
    const { subtype, name = '', def } = alteration(command);
    if (subtype === 'AT_AddConstraint') {
      const {
        conname = '',
        raw_expr: check,
        skip_validation: skipped,
      } = (def as { Constraint?: Constraint }).Constraint ?? {};
      const column = columnNotNull(check);
      if (column === undefined) return;
      this.#checks.set(`${table}.${conname}`, column);
      if (skipped !== true) this.#prove(table, column);
    }
    const validated = subtype === 'AT_ValidateConstraint' ? this.#checks.get(`${table}.${name}`) : undefined;
    if (validated !== undefined) this.#prove(table, validated);
  }

  #prove(table: string, column: string): void {
    this.#proved.set(table, (this.#proved.get(table) ?? new Set()).add(column));
  }
}

/** The column of the expression `column IS NOT NULL`. */
function columnNotNull(expression: unknown): string | undefined {
  const { NullTest: test } = (expression ?? {}) as { NullTest?: { nulltesttype?: string; arg?: unknown } };
  return test?.nulltesttype === 'IS_NOT_NULL' ? namesIn(test.arg).at(-1) : undefined;
}

/** Tables that a statement is about; not those that its expressions read. */
function tablesOf({ node, kind }: SqlStatement): string[] {
  const { relation, relations } = (node[kind] ?? {}) as {
    relation?: { relname?: string };
    relations?: { RangeVar?: { relname?: string } }[];
  };
  return [relation, ...(relations ?? []).map(({ RangeVar: one }) => one)].flatMap((one) => one?.relname ?? []);
}

/** Commands of ALTER TABLE that take SHARE UPDATE EXCLUSIVE, which keeps neither readers nor writers out. */
const gentle = new Set([
  'AT_ValidateConstraint',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ClusterOn',
  'AT_DropCluster',
]);

function locksOthersOut({ node }: SqlStatement): boolean {
  if (node.AlterTableStmt) {
    return (node.AlterTableStmt.cmds ?? []).some((command) => !gentle.has(alteration(command).subtype ?? ''));
  }
  return node.RenameStmt !== undefined || node.TruncateStmt !== undefined || lockMode(node.LockStmt) >= shareLock;
}

/** Whether it takes the longer the more rows there are. */
function worksOnRows({ node }: SqlStatement): boolean {
  const validates = node.AlterTableStmt?.cmds?.some((one) => alteration(one).subtype === 'AT_ValidateConstraint');
  return validates === true || [node.UpdateStmt, node.DeleteStmt, node.IndexStmt].some((one) => one !== undefined);
}
