/** SQL text: split into statements by PostgreSQL's own parser, checked, quoted, and shown with a marker where it fails. */
import type * as Ast from 'libpg-query';
import { messageOf, UsageError } from './errors.ts';
import { sqlParser } from './sql-parser.ts';

/** One statement of a script. */
export interface SqlStatement {
  /** From the first token to the end, without the semicolon and without the comments before it. */
  text: string;
  /** Line of the first token in the script, from 1. */
  line: number;
  /** Place of the first token in the script, in UTF-16 code units, as JavaScript's strings count. */
  offset: number;
  /** False when PostgreSQL refuses the statement inside a transaction block. */
  transactional: boolean;
  /** The parser's name for the statement: `IndexStmt`, `SelectStmt`, ... */
  kind: keyof StatementNodes;
  /** The parser's tree of the statement. */
  node: StatementNodes;
  /** The comments between the statement before (or the start of the script) and this one. */
  comments: string[];
}

/** Why a text is not the SQL that was expected, and where. */
export interface SqlFault {
  message: string;
  /** From 1. */
  line: number;
  /** In characters, from 1. */
  column: number;
  /** The line of the fault and a marker under it. */
  excerpt: string;
}

/** A script that PostgreSQL's parser refuses. */
export class SqlSyntaxError extends UsageError {
  readonly fault: SqlFault;

  constructor(fault: SqlFault, cause?: unknown) {
    super(`line ${fault.line}: ${fault.message}\n${fault.excerpt}`, { cause });
    this.fault = fault;
  }
}

/**
 * Splits a script into its statements with the parser of PostgreSQL 18, so that semicolons in strings, comments, dollar
 * quotes and BEGIN ATOMIC bodies do not matter.
 *
 * @throws SqlSyntaxError where PostgreSQL would find a syntax error
 */
export async function splitStatements(text: string): Promise<SqlStatement[]> {
  const raw = await parseScript(text);
  const offsetAt = byteToOffset(text);
  const statements: SqlStatement[] = [];
  let line = 1;
  let counted = 0;
  let end = 0;
  for (const { stmt, stmt_location: from = 0, stmt_len: length } of raw) {
    const gap = skipComments(text, end);
    end = length === undefined ? text.length : offsetAt(from + length);
    line += countLines(text, counted, gap.end);
    counted = gap.end;
    const node = stmt as StatementNodes;
    const statement = text.slice(gap.end, end).replace(/[ \t\n\r\f\v]+$/, '');
    statements.push({
      text: statement,
      line,
      offset: gap.end,
      transactional: !(await refusesTransaction(node, statement)),
      kind: Object.keys(node)[0] as keyof StatementNodes,
      node,
      comments: gap.comments,
    });
  }
  return statements;
}

/**
 * Checks a text that must be exactly one statement, such as a statement of a scenario.
 *
 * @returns the fault, or undefined when there is none
 */
export async function checkStatement(text: string): Promise<SqlFault | undefined> {
  try {
    const statements = await splitStatements(text);
    if (statements.length === 0) return faultAt(text, 0, 'there is no statement');
    const second = statements[1];
    return second && faultAt(text, second.offset, 'a second statement begins here, one is allowed');
  } catch (error) {
    if (error instanceof SqlSyntaxError) return error.fault;
    throw error;
  }
}

/** An identifier as SQL text that names exactly it, whatever its characters. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * An error in a script for people: `file:line: message`, the line, and a marker under the place.
 *
 * @param position place in `source`, in UTF-16 code units from 0
 */
export function renderSqlError(source: string, position: number, file: string, message: string): string {
  const fault = faultAt(source, position, message);
  return `${file}:${fault.line}: ${message}\n${fault.excerpt}`;
}

/**
 * Turns a place that PostgreSQL counts in characters (code points) into JavaScript's count (UTF-16 code units).
 *
 * @param characters from 0
 */
export function characterOffset(text: string, characters: number): number {
  let offset = 0;
  for (let left = characters; left > 0 && offset < text.length; left -= 1) {
    offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  }
  return offset;
}

/** A fault at a place (UTF-16 code units from 0); a place behind the last text is moved to its end. */
export function faultAt(source: string, position: number, message: string): SqlFault {
  const place = Math.min(position, source.trimEnd().length);
  const lineStart = source.lastIndexOf('\n', place - 1) + 1;
  const lineEnd = source.indexOf('\n', place);
  const lineText = source.slice(lineStart, lineEnd === -1 ? source.length : lineEnd);
  const line = 1 + countLines(source, 0, lineStart);
  const column = 1 + Array.from(source.slice(lineStart, place)).length;
  return { message, line, column, excerpt: excerptOf(lineText, line, column - 1) };
}

type Union<T> = T extends unknown ? keyof T : never;
type StatementNodes = { [Kind in Union<Ast.Node>]?: Extract<Ast.Node, Record<Kind, unknown>>[Kind] };

async function parseScript(text: string): Promise<Ast.RawStmt[]> {
  if (text === '') return [];
  const nul = text.indexOf('\0');
  // The parser would take a NUL for the end of the text, and not see the rest.
  if (nul >= 0) throw new SqlSyntaxError(faultAt(text, nul, 'a NUL byte has no place in SQL'));
  const { hasSqlDetails, parse } = await sqlParser();
  try {
    return (await parse(text)).stmts ?? [];
  } catch (error) {
    if (!hasSqlDetails(error)) {
      throw new SqlSyntaxError(faultAt(text, 0, `the parser gave up (${messageOf(error)})`), error);
    }
    const position = characterOffset(text, error.sqlDetails!.cursorPosition);
    throw new SqlSyntaxError(faultAt(text, position, error.message), error);
  }
}

/** The parser counts bytes of UTF-8. Asked in ascending order, each byte is looked at once. */
function byteToOffset(text: string): (byte: number) => number {
  const bytes = Buffer.from(text, 'utf8');
  let atByte = 0;
  let atOffset = 0;
  return (byte) => {
    atOffset += bytes.toString('utf8', atByte, byte).length;
    atByte = byte;
    return atOffset;
  };
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

/** Skips what PostgreSQL's lexer skips before a token: blanks, line comments, nested block comments. */
function skipComments(text: string, from: number): { end: number; comments: string[] } {
  const comments: string[] = [];
  let end = from;
  for (;;) {
    const start = end;
    if (/[ \t\n\r\f\v;]/.test(text.charAt(start))) end += 1;
    else if (text.startsWith('--', start)) end = endOfLine(text, start);
    else if (text.startsWith('/*', start)) end = endOfBlockComment(text, start);
    if (end === start) return { end, comments };
    if (end > start + 1) comments.push(text.slice(start, end));
  }
}

function endOfLine(text: string, from: number): number {
  const length = text.slice(from).search(/[\n\r]/);
  return length === -1 ? text.length : from + length;
}

function endOfBlockComment(text: string, from: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  let depth = 0;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/**
 * Statements for which PostgreSQL calls PreventInTransactionBlock (src/backend/tcop/utility.c and the files under
 * src/backend/commands), as far as the text alone tells.
 */
const outsideTransactionOnly: {
  [Kind in keyof StatementNodes]?: (statement: NonNullable<StatementNodes[Kind]>) => boolean;
} = {
  IndexStmt: (statement) => statement.concurrent === true,
  DropStmt: (statement) => statement.concurrent === true,
  ReindexStmt: (statement) =>
    ['REINDEX_OBJECT_SCHEMA', 'REINDEX_OBJECT_SYSTEM', 'REINDEX_OBJECT_DATABASE'].includes(statement.kind ?? '') ||
    option(statement.params, 'concurrently') === true,
  AlterTableStmt: (statement) => (statement.cmds ?? []).some(detachesConcurrently),
  VacuumStmt: (statement) => statement.is_vacuumcmd === true,
  ClusterStmt: (statement) => statement.relation === undefined,
  AlterSystemStmt: () => true,
  CreatedbStmt: () => true,
  DropdbStmt: () => true,
  CreateTableSpaceStmt: () => true,
  DropTableSpaceStmt: () => true,
  AlterDatabaseStmt: (statement) => option(statement.options, 'tablespace') !== undefined,
  CreateSubscriptionStmt: (statement) =>
    option(statement.options, 'connect') !== false && option(statement.options, 'create_slot') !== false,
  AlterSubscriptionStmt: altersSubscriptionAtOnce,
  DropSubscriptionStmt: () => true,
  DiscardStmt: (statement) => statement.target === 'DISCARD_ALL',
  TransactionStmt: (statement) => statement.kind?.endsWith('PREPARED') ?? false,
};

async function refusesTransaction(node: StatementNodes, text: string): Promise<boolean> {
  if (node.DoStmt) return controlsTransactions(node.DoStmt, text);
  const kind = Object.keys(node)[0] as keyof StatementNodes;
  const rule = outsideTransactionOnly[kind] as ((statement: unknown) => boolean) | undefined;
  return rule?.(node[kind]) ?? false;
}

/** Whether a PL/pgSQL block commits or rolls back by itself. */
async function controlsTransactions(block: Ast.DoStmt, text: string): Promise<boolean> {
  const language = option(block.args, 'language') ?? 'plpgsql';
  // The cheap test first: hardly any block even mentions the words.
  if (language !== 'plpgsql' || !/commit|rollback/i.test(text)) return false;
  const { parsePlPgSQL } = await sqlParser();
  try {
    return /"PLpgSQL_stmt_(commit|rollback)":/.test(JSON.stringify(await parsePlPgSQL(text)));
  } catch {
    // The parser knows no catalog; what it cannot read is left to the server, which refuses a COMMIT with a clear error.
    return false;
  }
}

function detachesConcurrently(command: Ast.Node): boolean {
  if (!('AlterTableCmd' in command)) return false;
  const { subtype, def } = command.AlterTableCmd;
  return (
    subtype === 'AT_DetachPartition' &&
    def !== undefined &&
    'PartitionCmd' in def &&
    def.PartitionCmd.concurrent === true
  );
}

function altersSubscriptionAtOnce({ kind = 'ALTER_SUBSCRIPTION_SKIP', options }: Ast.AlterSubscriptionStmt): boolean {
  if (kind === 'ALTER_SUBSCRIPTION_REFRESH') return true;
  if (kind.endsWith('_PUBLICATION')) return option(options, 'refresh') !== false;
  return option(options, 'failover') !== undefined || option(options, 'two_phase') !== undefined;
}

/** The value of an option as PostgreSQL's defGetBoolean reads it, or its text; undefined when it is not given. */
function option(options: readonly Ast.Node[] | undefined, name: string): boolean | string | undefined {
  for (const node of options ?? []) {
    if (!('DefElem' in node) || node.DefElem.defname !== name) continue;
    const { arg } = node.DefElem;
    if (arg === undefined) return true;
    if ('Integer' in arg) return arg.Integer.ival === 1;
    if ('Boolean' in arg) return arg.Boolean.boolval === true;
    const text = 'String' in arg ? (arg.String.sval ?? '') : '';
    if (/^(true|on)$/i.test(text)) return true;
    return /^(false|off)$/i.test(text) ? false : text;
  }
  return undefined;
}

const excerptColumns = 100;

/** The line and its marker; a long line is cut around the place, and every character keeps its width on a terminal. */
function excerptOf(lineText: string, line: number, column: number): string {
  const characters = Array.from(lineText).map((character) => (/\p{Cc}/u.test(character) ? ' ' : character));
  const from = characters.length <= excerptColumns ? 0 : Math.max(0, column - excerptColumns / 2);
  const to = from + excerptColumns;
  const before = (from > 0 ? '…' : '') + characters.slice(from, column).join('');
  const after = characters.slice(column, to).join('') + (to < characters.length ? '…' : '');
  const margin = `${line} | `;
  return `${margin}${before}${after}\n${' '.repeat(margin.length - 2)}| ${' '.repeat(displayWidth(before))}^`;
}

/** Columns on a terminal: wide scripts and emoji take two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) continue;
    const wide =
      /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uFF01-\uFF60]/u;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}
