/** Ctrl-C and SIGTERM: the first asks the run to end in order, the second within a moment ends the process. */
import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A terminal and a wrapper may both pass on the same Ctrl-C. */
const sameKeyPressMs = 500;

export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  #exitCode: number | undefined;
  #firstAt = 0;

  constructor() {
    for (const name of signals) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 + the signal's number, as shells have it; undefined when nothing interrupted. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (this.#exitCode === undefined) {
      this.#exitCode = 128 + constants.signals[name];
      this.#firstAt = performance.now();
      this.#controller.abort(new DOMException('The run was interrupted.', 'AbortError'));
    } else if (performance.now() - this.#firstAt > sameKeyPressMs) {
      // Servers are stopped by the exit hook.
      process.exit(this.#exitCode);
    }
  };

  [Symbol.dispose](): void {
    for (const name of signals) process.off(name, this.#onSignal);
  }
}
