/** One direction of a migration: decoded, parsed and checked before anything is applied. */
import { messageOf, UsageError } from '../errors.ts';
import { renderSqlError, splitStatements, SqlSyntaxError } from '../sql.ts';
import type { SqlStatement } from '../sql.ts';

/** One direction of a migration. */
export interface MigrationScript {
  path: string;
  /** As it is checksummed and sent: without byte order mark, line ends as LF. */
  text: string;
  statements: SqlStatement[];
  /** True when the whole file runs in one transaction; false when a statement, or the file's directive, forbids it. */
  transactional: boolean;
}

/** A script as a format found it, before it is parsed. */
export interface ScriptSource {
  path: string;
  /** A file as it is; or, where a file holds both directions, the text of one of them at its lines. */
  content: Buffer | string;
  /** True where the format's own marks forbid a transaction. */
  noTransaction?: boolean;
}

/** A comment in front of a file's first statement that makes it run statement by statement. */
const noTransaction = 'no-transaction';

/**
 * Parses one script. Faults of the content are added to `faults`; the script then has no statements.
 *
 * @param mayBeEmpty whether a script without statements is none of them
 */
export async function parseScript(
  source: ScriptSource,
  faults: string[],
  mayBeEmpty: boolean,
): Promise<MigrationScript> {
  const { path } = source;
  const script: MigrationScript = { path, text: '', statements: [], transactional: true };
  try {
    script.text = textOf(source.content);
    script.statements = await splitStatements(script.text);
    const { directives, misplaced } = directivesOf(script.statements);
    faults.push(...misplaced.map((fault) => at(script, fault.statement, fault.message)));
    const forbidden = source.noTransaction === true || directives.has(noTransaction);
    script.transactional = !forbidden && script.statements.every((one) => one.transactional);
    script.statements = withoutOuterTransaction(script);
    faults.push(...script.statements.flatMap((statement) => faultsOfStatement(script, statement)));
    if (script.statements.length === 0 && !mayBeEmpty) faults.push(`${path}: it holds no statement`);
  } catch (error) {
    if (error instanceof SqlSyntaxError) {
      const { line, message, excerpt } = error.fault;
      faults.push(`${path}:${line}: ${message}\n${excerpt}`);
    } else {
      faults.push(`${path}: ${messageOf(error)}`);
    }
  }
  return script;
}

/**
 * The text of a file, without byte order mark and with LF for CRLF.
 * @throws UsageError for bytes that are not UTF-8
 */
export function textOf(content: Buffer | string): string {
  if (typeof content === 'string') return content;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content).replaceAll('\r\n', '\n');
  } catch (error) {
    throw new UsageError('it is not UTF-8 text', { cause: error });
  }
}

/** Directives (`-- pgrehearse: word`) count in front of the first statement; elsewhere, or unknown, they are faults. */
function directivesOf(statements: readonly SqlStatement[]) {
  const directives = new Set<string>();
  const misplaced: { statement: SqlStatement; message: string }[] = [];
  for (const statement of statements) {
    for (const comment of statement.comments) {
      const word = /^--\s*pgrehearse:\s*(.*?)\s*$/.exec(comment)?.[1];
      if (word === undefined) continue;
      if (word !== noTransaction) {
        misplaced.push({
          statement,
          message: `unknown directive "${word}"; the one that exists is "${noTransaction}"`,
        });
      } else if (statement !== statements[0]) {
        misplaced.push({ statement, message: `the directive "${word}" must stand in front of the first statement` });
      }
      directives.add(word);
    }
  }
  return { directives, misplaced };
}

/** A file may say BEGIN and COMMIT around everything: that is what happens anyway, and our bookkeeping is part of it. */
function withoutOuterTransaction({ statements, transactional }: MigrationScript): SqlStatement[] {
  const opens = ['TRANS_STMT_BEGIN', 'TRANS_STMT_START'].includes(statements[0]?.node.TransactionStmt?.kind ?? '');
  const closes = statements.at(-1)?.node.TransactionStmt?.kind === 'TRANS_STMT_COMMIT';
  return transactional && opens && closes ? statements.slice(1, -1) : statements;
}

function faultsOfStatement(script: MigrationScript, statement: SqlStatement): string[] {
  const { CopyStmt: copy, TransactionStmt: transaction } = statement.node;
  if (copy && copy.filename === undefined) {
    return [at(script, statement, 'COPY from the client has no place in a migration; rows belong to the seed')];
  }
  const ends = /_(BEGIN|START|COMMIT|ROLLBACK|PREPARE)$/.test(transaction?.kind ?? '');
  if (!script.transactional || !ends) return [];
  const advice = `write "-- pgrehearse: ${noTransaction}" at the top of a file that controls transactions itself`;
  return [at(script, statement, `a file is one transaction already; ${advice}`)];
}

function at(script: MigrationScript, statement: SqlStatement, message: string): string {
  return renderSqlError(script.text, statement.offset, script.path, message);
}
