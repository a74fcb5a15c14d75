/**
 * The mark of a database that we made: its comment (COMMENT ON DATABASE). It can be read without connecting to the database, is
 * written and changed in one statement, and CREATE DATABASE does not copy it. pg_dump does, so it names the database's own
 * oid: what somebody restored from a dump of ours is not ours.
 */
import { Client, escapeLiteral } from 'pg';
import { UsageError } from '../errors.ts';
import { quoteIdentifier } from '../sql.ts';
import type { ConnectionTarget } from './server.ts';

/** A database whose comment starts with this was made by us, or given to us by its owner; no other is ever written to. */
const mark = 'made by pgrehearse';

/** What the mark may say besides. */
export interface MarkContent {
  /** A snapshot stays; what is temporary is dropped by whoever made it, or by the next run. */
  use: 'snapshot' | 'temporary';
  /** ISO 8601 in UTC. */
  createdAt: string;
  key?: string;
  parts?: Record<string, unknown>;
  details?: Record<string, unknown>;
}

interface MarkedDatabase {
  name: string;
  comment: string | null;
  oid: number;
}

/** Writes the mark; the database must be the connected user's own. */
export async function writeMark(client: Client, name: string, content?: MarkContent): Promise<void> {
  const { rows } = await client.query<{ oid: number }>('SELECT oid FROM pg_database WHERE datname = $1', [name]);
  const text = content === undefined ? mark : `${mark} ${JSON.stringify({ oid: rows[0]?.oid, ...content })}`;
  await client.query(`COMMENT ON DATABASE ${quoteIdentifier(name)} IS ${escapeLiteral(text)}`);
}

/** Makes a database on a server of our own, and marks it. */
export async function makeMarkedDatabase(server: ConnectionTarget, name: string): Promise<void> {
  const client = new Client({ ...server, application_name: 'pgrehearse' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${quoteIdentifier(name)}`);
    await writeMark(client, name);
  } finally {
    await client.end();
  }
}

/** The marks of our databases on this server, by name. */
export async function listMarks(client: Client): Promise<Map<string, MarkContent | undefined>> {
  const { rows } = await client.query<MarkedDatabase>(
    `SELECT datname AS name, shobj_description(oid, 'pg_database') AS comment, oid FROM pg_database ORDER BY datname`,
  );
  return new Map(rows.filter(isOurs).map((row) => [row.name, contentOf(row)]));
}

/** @throws UsageError when the connected database does not carry our mark: somebody else's, never to be written to */
export async function assertMarked(client: Client, database: string): Promise<void> {
  if ((await listMarks(client)).has(database)) return;
  throw new UsageError(`The database ${database} was not made by pgrehearse and will not be written to.`, {
    hint: `If it may be changed, mark it: COMMENT ON DATABASE ${quoteIdentifier(database)} IS '${mark}';`,
  });
}

function isOurs(row: MarkedDatabase): boolean {
  if (row.comment === mark) return true;
  return row.comment?.startsWith(`${mark} {`) === true && contentOf(row) !== undefined;
}

function contentOf({ comment, oid }: MarkedDatabase): MarkContent | undefined {
  try {
    const content = JSON.parse(comment!.slice(mark.length)) as MarkContent & { oid: number };
    return content.oid === oid ? content : undefined;
  } catch {
    return undefined;
  }
}
