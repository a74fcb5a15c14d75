/** Several faults told as one error. */
import { EnvironmentError, ExitCode, PgrehearseError, UsageError } from './errors.ts';

/** Collects what goes wrong, so that all faults are told at once. */
export class FaultList {
  readonly #faults: unknown[] = [];

  try<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      this.#faults.push(error);
      return undefined;
    }
  }

  async tryAsync(check: () => Promise<void>): Promise<void> {
    await check().catch((error: unknown) => this.#faults.push(error));
  }

  /** One fault is thrown as it is; of several the gravest exit code leads: wrong use before a failing world. */
  throwIfAny(): void {
    const foreign = this.#faults.find((fault) => !(fault instanceof PgrehearseError));
    if (foreign !== undefined) throw foreign;
    const faults = this.#faults as PgrehearseError[];
    if (faults.length <= 1) {
      if (faults[0]) throw faults[0];
      return;
    }
    const message = `${faults.length} things are wrong:\n${faults.map((fault) => `  - ${fault.message}${fault.hint ? ` ${fault.hint}` : ''}`).join('\n')}`;
    const wrongUse = faults.some((fault) => fault.exitCode === ExitCode.usage);
    throw wrongUse ? new UsageError(message) : new EnvironmentError(message);
  }
}
