/** Migration files: named, paired, ordered, checksummed and parsed before anything is applied. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** A pair of files `NNN_name.up.sql` and `NNN_name.down.sql`. */
export interface Migration {
  /** Digits as the file name has them: "003". Ordered as a number. */
  version: string;
  name: string;
  /** SHA-256 of the up file's text, in hexadecimal: the same for LF and CRLF. */
  sha256: string;
  up: MigrationScript;
  down: MigrationScript;
}

type Direction = 'up' | 'down';
type Pair = { version: string; name: string } & Partial<Record<Direction, MigrationScript>>;

/** A comment in front of a file's first statement that makes it run statement by statement. */
const noTransaction = 'no-transaction';

/**
 * Reads a folder of migrations, in ascending order of version.
 *
 * @throws UsageError that names every fault at once: bad names, missing halves, versions used twice, text that is not
 *   UTF-8, syntax errors, statements that have no place in a migration
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const faults: string[] = [];
  const pairs = await readPairs(folder, faults);
  faults.push(...pairs.flatMap((pair) => faultsOfPair(pair)), ...faultsOfVersions(pairs));
  if (pairs.length === 0 && faults.length === 0) faults.push('it holds no NNN_name.up.sql');
  if (faults.length > 0) {
    const list = faults.map((fault) => `- ${fault.replaceAll('\n', '\n  ')}`).join('\n');
    throw new UsageError(`The migrations in ${folder} cannot be used:\n${list}`, {
      hint: 'Correct the files; nothing was applied.',
    });
  }
  return pairs.map((pair) => ({
    version: pair.version,
    name: pair.name,
    sha256: createHash('sha256').update(pair.up!.text, 'utf8').digest('hex'),
    up: pair.up!,
    down: pair.down!,
  }));
}

/** Orders versions by their number: "2" before "010". */
export function compareVersions(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

async function readPairs(folder: string, faults: string[]): Promise<Pair[]> {
  const pairs = new Map<string, Pair>();
  for (const fileName of await sqlFilesOf(folder)) {
    const match = /^(?<version>\d+)_(?<name>[\w-]+)\.(?<direction>up|down)\.sql$/.exec(fileName);
    if (!match) {
      faults.push(`${fileName}: the name is not of the form NNN_name.up.sql or NNN_name.down.sql`);
      continue;
    }
    const { version, name, direction } = match.groups as { version: string; name: string; direction: Direction };
    const key = `${version}_${name}`;
    const pair = pairs.get(key) ?? { version, name };
    pair[direction] = await readScript(join(folder, fileName), faults);
    pairs.set(key, pair);
  }
  return [...pairs.values()].sort((a, b) => compareVersions(a.version, b.version));
}

async function sqlFilesOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory() && /\.sql$/i.test(entry.name));
    return files.map((entry) => entry.name).sort();
  } catch (error) {
    throw new UsageError(`The migrations folder ${folder} cannot be read: ${messageOf(error)}`, {
      hint: 'Name a folder that holds NNN_name.up.sql and NNN_name.down.sql.',
      cause: error,
    });
  }
}

/** Reads and parses one file. Faults of the content are added to `faults`; the script then has no statements. */
async function readScript(path: string, faults: string[]): Promise<MigrationScript> {
  const script: MigrationScript = { path, text: '', statements: [], transactional: true };
  try {
    script.text = decode(await readFile(path));
    script.statements = await splitStatements(script.text);
    const { directives, misplaced } = directivesOf(script.statements);
    faults.push(...misplaced.map((fault) => at(script, fault.statement, fault.message)));
    script.transactional = !directives.has(noTransaction) && script.statements.every((one) => one.transactional);
    script.statements = withoutOuterTransaction(script);
    faults.push(...script.statements.flatMap((statement) => faultsOfStatement(script, statement)));
    if (script.statements.length === 0 && path.endsWith('.up.sql')) faults.push(`${path}: it holds no statement`);
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

function decode(bytes: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError('it is not UTF-8 text', { cause: error });
  }
  return text.replaceAll('\r\n', '\n');
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

function faultsOfPair({ version, name, up, down }: Pair): string[] {
  const base = `${version}_${name}`;
  const faults: string[] = [];
  if (!up) faults.push(`${base}.down.sql has no ${base}.up.sql`);
  if (!down) faults.push(`${base}.up.sql has no ${base}.down.sql`);
  if (BigInt(version) === 0n) faults.push(`${base}: version ${version} means "no migration"; begin with 001`);
  return faults;
}

function faultsOfVersions(pairs: readonly Pair[]): string[] {
  const faults: string[] = [];
  for (const [index, pair] of pairs.entries()) {
    const before = pairs[index - 1];
    if (before && compareVersions(before.version, pair.version) === 0) {
      faults.push(
        `version ${pair.version} is used twice: ${before.version}_${before.name}, ${pair.version}_${pair.name}`,
      );
    }
  }
  return faults;
}
