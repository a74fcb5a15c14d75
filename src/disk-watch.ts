/** Watches the disk of the cache while a run works, and ends the run in order before the disk is full. */
import type { DiskNeed } from './disk-need.ts';
import { EnvironmentError, messageOf } from './errors.ts';
import { diskSpace, formatDiskBytes, reserveBytes, roomHint, type DiskSpace } from './server/disk.ts';

/** Between two looks at the disk: what is written meanwhile must be far less than the reserve. */
const intervalMs = 250;

export interface DiskWatchOptions {
  cacheDir: string;
  need: DiskNeed;
  /** The run's own signal. */
  signal?: AbortSignal | undefined;
}

/** A watch over the room on one disk. Disposing ends it. */
export class DiskWatch implements Disposable {
  /** Fires with the run's own signal, and with an EnvironmentError when the room falls below the reserve. */
  readonly signal: AbortSignal;
  readonly #options: DiskWatchOptions;
  readonly #full = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #atStart: DiskSpace;
  #latest: DiskSpace;
  #growth = 1;

  private constructor(options: DiskWatchOptions, atStart: DiskSpace) {
    this.#options = options;
    this.#atStart = atStart;
    this.#latest = atStart;
    this.signal = options.signal ? AbortSignal.any([options.signal, this.#full.signal]) : this.#full.signal;
    this.#timer = setInterval(() => void this.#look(), intervalMs).unref();
  }

  static async start(options: DiskWatchOptions): Promise<DiskWatch> {
    return new DiskWatch(options, await diskSpace(options.cacheDir));
  }

  /** Told how much data the rows so far have been, from which the need is guessed better than beforehand. */
  seeded({ rows, rowsTotal, bytes }: { rows: number; rowsTotal: number; bytes: number }): void {
    if (rows > 0) this.#growth = Math.max(1, (bytes / rows) * (rowsTotal / this.#options.need.dataBytes()));
  }

  /** The error to tell: a disk that is full in place of whatever that broke, any other error as it is. */
  explain(error: unknown): unknown {
    if (this.#full.signal.aborted) return this.#full.signal.reason;
    if (!isDiskFull(error)) return error;
    return isOwnWrite(error) && !this.#isLow() ? fullElsewhere(error) : this.#fullDisk('is full', error);
  }

  #isLow(): boolean {
    return this.#latest.freeBytes < reserveBytes(this.#latest.totalBytes);
  }

  async #look(): Promise<void> {
    const space = await diskSpace(this.#options.cacheDir).catch(() => undefined);
    if (space !== undefined) this.#latest = space;
    // What is in the cache can be used on a full disk.
    if (!this.#isLow() || this.#options.need.bytes === 0) return;
    clearInterval(this.#timer);
    const left = `has only ${formatDiskBytes(this.#latest.freeBytes)} left`;
    this.#full.abort(this.#fullDisk(left));
  }

  #fullDisk(state: string, cause?: unknown): EnvironmentError {
    const { cacheDir, need } = this.#options;
    const { freeBytes, totalBytes } = this.#atStart;
    const reserve = reserveBytes(totalBytes);
    const neededBytes = need.bytes * this.#growth + reserve;
    const message =
      `The disk of ${cacheDir} ${state}, so the run was stopped and its half-made data removed; ` +
      `it needs ${formatDiskBytes(neededBytes)}, and ${formatDiskBytes(freeBytes)} were free at its start.`;
    const hint =
      neededBytes <= freeBytes
        ? 'Something else took the room meanwhile: free it, or set PGREHEARSE_CACHE to a folder on a larger disk.'
        : roomHint(need.scaleFor(freeBytes - reserve, this.#growth));
    return new EnvironmentError(message, { hint, cause });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** By the codes of the kernel and of PostgreSQL (53100, disk_full), or by the kernel's words in somebody else's message. */
function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === '53100') return true;
  return /no space left on device|disk quota exceeded/i.test(messageOf(error)) || isDiskFull(error.cause);
}

/** The server and the clones, which fill the cache, tell their errors in sentences; the kernel's own is of another write. */
function isOwnWrite(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).syscall !== undefined;
}

function fullElsewhere(error: NodeJS.ErrnoException): EnvironmentError {
  const place = error.path === undefined ? 'of the results or of the temporary files' : `of ${error.path}`;
  return new EnvironmentError(`The disk ${place} is full: ${error.message}.`, {
    hint: 'Free some room there, or write the results elsewhere with --out.',
    cause: error,
  });
}
