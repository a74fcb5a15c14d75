/** What a run has found so far: written to disk after every part, so that an interrupted run keeps what it finished. */
import { mkdir } from 'node:fs/promises';
import type { Phase, RunResult } from './result.ts';
import { writeResult } from './result-file.ts';

/** What a run tells while it works; figures are for people, the truth is in the RunResult. */
export type RunEvent =
  | { type: 'start'; phase: Phase['name']; stage?: string; title: string }
  | { type: 'progress'; text: string; done?: number; secondsLeft?: number }
  | { type: 'end'; phase: Phase['name']; stage?: string; title: string; durationMs: number; detail?: string }
  | { type: 'note'; text: string };

export interface RunControl {
  signal?: AbortSignal;
  onEvent?(event: RunEvent): void;
}

/** A part of the run: its name in the result, its title for people. */
export interface Part {
  name: Phase['name'];
  title: string;
  stage?: string;
}

/** The result under construction, the folder it lives in, and the stopwatch for its parts. */
export class Journal {
  readonly result: RunResult;
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  readonly #tell: (event: RunEvent) => void;

  constructor(result: RunResult, folder: string, control: RunControl) {
    this.result = result;
    this.folder = folder;
    this.signal = control.signal;
    this.#tell = (event) => control.onEvent?.(event);
  }

  /** Does one part of the run: tells its start and end, keeps its wall time. What `work` returns as `detail` is shown. */
  async part<T extends { detail?: string } | void>(part: Part, work: () => Promise<T>): Promise<T> {
    this.signal?.throwIfAborted();
    const { name: phase, title, stage } = part;
    const where = stage === undefined ? {} : { stage };
    this.#tell({ type: 'start', phase, title, ...where });
    const startedAt = performance.now();
    const outcome = await work();
    const durationMs = performance.now() - startedAt;
    const detail = outcome?.detail === undefined ? {} : { detail: outcome.detail };
    this.result.phases.push({ name: phase, durationMs, ...where, ...detail });
    this.#tell({ type: 'end', phase, title, durationMs, ...where, ...detail });
    return outcome;
  }

  /** Gives a share of the last part's time a name of its own. */
  splitOff(phase: Phase): void {
    const whole = this.result.phases.at(-1);
    if (whole) whole.durationMs = Math.max(0, whole.durationMs - phase.durationMs);
    this.result.phases.push(phase);
  }

  progress(text: string, done?: number, secondsLeft?: number): void {
    this.#tell({
      type: 'progress',
      text,
      ...(done === undefined ? {} : { done }),
      ...(secondsLeft === undefined ? {} : { secondsLeft }),
    });
  }

  note(text: string): void {
    this.#tell({ type: 'note', text });
  }

  async save(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeResult(this.folder, this.result);
  }
}
