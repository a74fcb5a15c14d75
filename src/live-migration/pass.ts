/** The migration once in one direction, inside of a load that goes on: what it did and when, by the clock of the machine. */
import { messageOf } from '../errors.ts';
import { formatMs } from '../report/format.ts';
import { migrate, type LockWait, type Migration } from '../migrate.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { SqlStatement } from '../sql.ts';
import { walPosition } from './aftermath.ts';
import type { LockLook } from './lock-watch.ts';
import { fileIn } from './place.ts';
import { waitBetween, waitSpans } from './queue-figures.ts';
import type { LiveStatement } from './record.ts';

/** Where nobody says how long a migration may take. */
export const defaultLongestMigrationMs = 600_000;

/** A statement with instants of Date.now(). */
interface TimedStatement extends Pick<LiveStatement, 'migration' | 'file' | 'line' | 'text' | 'error'> {
  startedAt: number;
  endedAt: number;
}

/** What to apply or to take back. */
export interface PassOrder {
  connection: ConnectionTarget;
  migrations: readonly Migration[];
  direction: 'up' | 'down';
  /** The version to arrive at. */
  to: string;
  /** Folder that file names count from. */
  folder: string;
  lockWait?: LockWait | undefined;
  signal?: AbortSignal | undefined;
}

/** Filled while the migration runs; instants are of Date.now(). */
export class Pass {
  readonly #statements: TimedStatement[] = [];
  readonly #longestMs: number;
  retries = 0;
  startedAt = 0;
  endedAt = 0;
  /** Why it failed. */
  error: string | undefined;
  walBytes = 0;

  /** @param longestMs after which the migration is given up */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /**
   * Our runner. Its failure is a part of the story, and is not thrown.
   *
   * @param halfWay something to do when that version is reached
   */
  migrate(order: PassOrder, halfWay?: { version: string; work: () => Promise<void> }): Promise<void> {
    return this.#carryOut(order, async (signal) => {
      if (halfWay !== undefined) {
        await this.#run({ ...order, to: halfWay.version }, signal);
        await halfWay.work();
      }
      await this.#run(order, signal);
    });
  }

  #run(order: PassOrder, signal: AbortSignal): Promise<unknown> {
    const { connection, migrations, direction, to, lockWait } = order;
    return migrate(connection, migrations, {
      direction,
      to,
      signal,
      ...(lockWait === undefined ? {} : { lockWait }),
      onMigration: ({ status }) => {
        if (status === 'retrying') this.#noteRetry();
      },
      onStatement: (...told) => this.#noteStatement(order, ...told),
    });
  }

  /** The user's own tool. What it does inside is not seen; it is told as one statement. */
  command(
    order: Pick<PassOrder, 'connection' | 'signal'>,
    text: string,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    return this.#carryOut(order, async (signal) => {
      const entry = { migration: '', file: '', line: 1, text, startedAt: Date.now(), endedAt: 0 };
      this.#statements.push(entry);
      await work(signal).finally(() => (entry.endedAt = Date.now()));
    });
  }

  /** Statements with instants of the load. */
  statementsOf(looks: readonly LockLook[], inLoad: (instant: number) => number): LiveStatement[] {
    return this.#statements.map(({ startedAt, endedAt, ...statement }) => {
      const ended = endedAt === 0 ? this.endedAt : endedAt;
      return {
        startMs: inLoad(startedAt),
        endMs: inLoad(ended),
        ...waitBetween(looks, startedAt, ended),
        waits: waitSpans(looks, startedAt, ended).map((wait) => ({
          fromMs: inLoad(wait.fromMs),
          toMs: inLoad(wait.toMs),
        })),
        ...statement,
      };
    });
  }

  async #carryOut(
    { connection, signal }: Pick<PassOrder, 'connection' | 'signal'>,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    const walBefore = await walPosition(connection);
    const limit = AbortSignal.timeout(this.#longestMs);
    this.startedAt = Date.now();
    try {
      await work(AbortSignal.any([limit, ...(signal ? [signal] : [])]));
    } catch (thrown) {
      signal?.throwIfAborted();
      this.error = limit.aborted ? `It was given up after ${formatMs(this.#longestMs)}.` : messageOf(thrown);
    }
    this.endedAt = Date.now();
    this.walBytes = (await walPosition(connection)) - walBefore;
  }

  /** The statement that waited in vain has ended, and everything of its file is undone. */
  #noteRetry(): void {
    this.retries++;
    Object.assign(this.#statements.at(-1)!, { endedAt: Date.now(), error: 'lock timeout' });
  }

  #noteStatement(
    { folder, direction }: PassOrder,
    migration: Migration,
    statement: SqlStatement | undefined,
    status: 'started' | 'finished',
  ): void {
    if (status === 'finished') {
      this.#statements.at(-1)!.endedAt = Date.now();
      return;
    }
    const script = migration[direction] ?? migration.up;
    const text = statement?.text ?? 'COMMIT';
    this.#statements.push({
      migration: `${migration.version}_${migration.name}`,
      file: fileIn(folder, script.path),
      line: statement?.line ?? script.statements.at(-1)?.line ?? 1,
      text: text.replaceAll(/\s+/g, ' ').slice(0, 300),
      startedAt: Date.now(),
      endedAt: 0,
    });
  }
}
