/** A program under test or beside one: started in a process group of its own, watched, stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError, messageOf } from '../errors.ts';
import { ownGroup } from '../server/leftovers.ts';
import { signalGroup } from '../server/processes.ts';

/** A program that does not end on SIGTERM is killed after this time. */
const stopWithinMs = 10_000;
const stopPollMs = 20;
const lastWordsMs = 200;
/** What is kept of its output. */
const outputBytes = 4_000;

interface ProgramStart {
  /** In messages, as in "The service of stage after". */
  name: string;
  /** Where it is recorded, so that it does not outlive us. */
  cacheDir: string;
  command: readonly string[];
  folder: string;
  /** On top of our own environment. */
  env: Readonly<Record<string, string>>;
  /** Whom it runs as. Default: ourselves. */
  user?: { uid?: number; gid?: number };
  /** Open files of ours that it finds at 3, 4, ... of its own. */
  files?: readonly number[];
}

/** A process group of ours: `npm start` is a program that starts the service as its child. */
export class ProcessGroup implements AsyncDisposable {
  readonly #child: ChildProcess;
  #owned: AsyncDisposable | undefined;
  readonly #died = new AbortController();
  #output = '';
  #ending: string | undefined;
  #stopping = false;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream
        .setEncoding('utf8')
        .on('data', (text: string) => (this.#output = (this.#output + text).slice(-outputBytes)));
    }
    child.once('exit', (code, signal) => void this.#noteEnd(name, signal ?? `code ${code}`));
  }

  /** @throws EnvironmentError when there is no such program, or it may not be started */
  static async start({ name, cacheDir, command, folder, env, user, files = [] }: ProgramStart): Promise<ProcessGroup> {
    const [program, ...args] = command;
    // Detached: a group of its own, which Ctrl-C in the terminal does not reach. We stop it.
    const child = spawn(program!, args, {
      cwd: folder,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...files],
      windowsHide: true,
      ...user,
    });
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw new EnvironmentError(`${name} could not be started: ${messageOf(cause)}.`, {
        hint: `The command is ${command.join(' ')}, started in ${folder}.`,
        cause,
      });
    }
    await using starting = new AsyncDisposableStack();
    const group = starting.use(new ProcessGroup(child, name));
    group.#owned = await ownGroup(cacheDir, child.pid!, name.replace(/^The /, 'the '));
    starting.move();
    return group;
  }

  /** Of its first process. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Aborted when it ended although nobody stopped it; the reason is an EnvironmentError with its last words. */
  get died(): AbortSignal {
    return this.#died.signal;
  }

  /** How it ended by itself, in a sentence without its output; undefined while it runs. */
  get ending(): string | undefined {
    return this.#ending;
  }

  async #noteEnd(name: string, how: string): Promise<void> {
    if (this.#stopping) return;
    // The last of its output comes after its end; a child of its own may hold the pipes for ever.
    await Promise.race([once(this.#child, 'close'), sleep(lastWordsMs)]);
    this.#ending = `${name} ended with ${how} although nobody stopped it.`;
    this.#died.abort(
      new EnvironmentError(`${this.#ending}${this.tail}`, {
        hint: 'Mend the cause and run again; finished stages are in result.json.',
      }),
    );
  }

  /** Its connections are reset a moment before we hear of its end. */
  async explain(error: unknown): Promise<unknown> {
    if (!this.died.aborted) await sleep(2 * lastWordsMs);
    return this.died.aborted ? this.died.reason : error;
  }

  /** The end of its output, as the end of a message. */
  get tail(): string {
    const output = this.#output.trim();
    return output === '' ? ' It printed nothing.' : ` The end of its output:\n${output.replaceAll(/^/gm, '  ')}`;
  }

  /** SIGTERM to the whole group, then patience, then SIGKILL. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#signal('SIGTERM');
    // Not only the first process: what `npm start` has started may still be closing its connections.
    const deadline = performance.now() + stopWithinMs;
    while (this.#signal(0) && performance.now() < deadline) await sleep(stopPollMs);
    this.#signal('SIGKILL');
    await this.#owned?.[Symbol.asyncDispose]();
  }

  /** Signals the whole group; false when nobody of it is left. */
  #signal(name: NodeJS.Signals | 0): boolean {
    if (process.platform === 'win32') return this.#child.kill(name);
    return signalGroup(this.#child.pid!, name);
  }
}
