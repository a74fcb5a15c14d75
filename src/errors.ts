/**
 * Process exit codes, one per outcome, documented once in docs/method.md and tested one by one.
 */
export const ExitCode = {
  /** Every gate held. */
  pass: 0,
  /** A gate failed: an SLO was missed, a regression was proved, a budget was exceeded. */
  gateFailed: 1,
  /** Wrong use: an unknown flag, a broken scenario, a bad configuration. */
  usage: 2,
  /** The evidence supports neither pass nor fail. */
  inconclusive: 3,
  /** The load generator or the host spoiled the measurement. */
  invalid: 4,
  /** The world around us failed: server, disk, network, permissions. */
  environment: 5,
  /** Stages answer differently, or an invariant does not hold. */
  correctness: 6,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What an error may carry besides its one-sentence message. */
export interface ErrorDetails {
  /** The next step for the reader, one sentence. */
  hint?: string;
  cause?: unknown;
}

/**
 * An expected failure, told in one clear sentence (`message`) with the next step (`hint`).
 * The CLI prints both, keeps the stack for `--verbose`, and exits with `exitCode`.
 */
export class PgrehearseError extends Error {
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.exitCode = exitCode;
    this.hint = details.hint;
  }
}

/** Wrong use or configuration (exit code 2). */
export class UsageError extends PgrehearseError {
  constructor(message: string, details?: ErrorDetails) {
    super(ExitCode.usage, message, details);
  }
}

/** The server, the disk, the network or a permission failed (exit code 5). */
export class EnvironmentError extends PgrehearseError {
  constructor(message: string, details?: ErrorDetails) {
    super(ExitCode.environment, message, details);
  }
}

/** An answer or an invariant is wrong (exit code 6). */
export class CorrectnessError extends PgrehearseError {
  constructor(message: string, details?: ErrorDetails) {
    super(ExitCode.correctness, message, details);
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
