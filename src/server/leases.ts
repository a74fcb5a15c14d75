/** Leases: small files by which a process says what is its own; they count as long as that process lives. */
import { randomBytes } from 'node:crypto';
import { rmSync, utimesSync } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAlive, ownIdentity, type ProcessIdentity } from './processes.ts';

/** What a lease's file holds: whose it is, and what it is about. */
export interface LeaseContent<Subject> {
  holder: ProcessIdentity;
  subject: Subject;
}

/** Leases of other machines and containers are judged by their last touch, since we cannot see those processes. */
const touchEveryMs = 10_000;
const forgottenAfterMs = 60_000;

const held = new Set<string>();
let heartbeat: NodeJS.Timeout | undefined;

/** A lease of this process. Disposing ends it. */
export class Lease<Subject> implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Writes the file of a new lease; its name must be one that nobody else uses (see `uniqueName`). */
  static async make<Subject>(path: string, subject: Subject): Promise<Lease<Subject>> {
    const lease = new Lease<Subject>(path);
    await writeFile(path, textOf(subject));
    held.add(path);
    heartbeat ??= setInterval(touchAll, touchEveryMs).unref();
    return lease;
  }

  async update(subject: Subject): Promise<void> {
    // Through another file: a kill in between must not leave half a lease of something that exists.
    const draft = `${this.path}.new`;
    await writeFile(draft, textOf(subject));
    await rename(draft, this.path);
  }

  async release(): Promise<void> {
    held.delete(this.path);
    await rm(this.path, { force: true });
  }

  /** For the moment when the process ends and nothing can be awaited any more. */
  releaseSync(): void {
    held.delete(this.path);
    rmSync(this.path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

function textOf(subject: unknown): string {
  const content: LeaseContent<unknown> = { holder: ownIdentity(), subject };
  return JSON.stringify(content);
}

/** A file name that no other process and no other call uses. */
export function uniqueName(): string {
  return `${process.pid}-${randomBytes(6).toString('hex')}`;
}

/** A lease of anybody, and whether its process lives; undefined when the file is gone. */
export async function readLease<Subject>(
  path: string,
): Promise<{ content: LeaseContent<Subject> | undefined; alive: boolean } | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const recent = Date.now() - mtimeMs < forgottenAfterMs;
    const content = parse<Subject>(text);
    // Unreadable means half-written: by a process that is about to finish, or that died of it long ago.
    return { content, alive: content === undefined ? recent : (isAlive(content.holder) ?? recent) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse<Subject>(text: string): LeaseContent<Subject> | undefined {
  try {
    return JSON.parse(text) as LeaseContent<Subject>;
  } catch {
    return undefined;
  }
}

function touchAll(): void {
  const now = new Date();
  for (const path of held) {
    try {
      utimesSync(path, now, now);
    } catch {
      held.delete(path); // somebody removed it
    }
  }
}
