/** How far seeding is, in figures and in words. */
import { formatBytes, formatCount } from '../report/format.ts';

export interface SeedProgress {
  phase: 'copy' | 'index' | 'constraint' | 'analyze';
  /** One line for people. */
  text: string;
  /** Share of the phase that is done, 0 to 1. */
  done: number;
  /** Estimated for the phase. */
  secondsLeft: number;
  /** Table that moved last. */
  table: string;
  rows: number;
  rowsTotal: number;
  rowsPerSecond: number;
  /** COPY data sent. */
  bytes: number;
}

export class ProgressTeller {
  readonly #rowsByTable: ReadonlyMap<string, number>;
  readonly #tell: ((progress: SeedProgress) => void) | undefined;
  readonly #copied = new Map<string, { rows: number; bytes: number }>();
  readonly #startedMs = new Map<SeedProgress['phase'], number>([['copy', performance.now()]]);

  constructor(rowsByTable: ReadonlyMap<string, number>, tell: ((progress: SeedProgress) => void) | undefined) {
    this.#rowsByTable = rowsByTable;
    this.#tell = tell;
  }

  /** Rows and bytes that a table's COPY has sent so far. */
  copied(table: string, rows: number, bytes: number): void {
    this.#copied.set(table, { rows, bytes });
    const total = sum(this.#rowsByTable.values());
    const sent = [...this.#copied.values()];
    const rowsSent = sum(sent.map((one) => one.rows));
    const perSecond = rowsSent / this.#elapsedSeconds('copy');
    const ofTable = `${formatCount(rows)} of ${formatCount(this.#rowsByTable.get(table) ?? rows)} rows`;
    const allBytes = sum(sent.map((one) => one.bytes));
    this.#report(
      'copy',
      `${table}: ${ofTable}; ${formatCount(Math.round(perSecond))} rows/s, ${formatBytes(allBytes)}`,
      {
        table,
        done: total === 0 ? 1 : rowsSent / total,
        rows: rowsSent,
        rowsTotal: total,
        rowsPerSecond: perSecond,
        bytes: allBytes,
      },
    );
  }

  /** A step of a later phase begins, maybe while rows of other tables are still copied; `done` of `total` steps are behind. */
  step(phase: 'index' | 'constraint' | 'analyze', table: string, text: string, done: number, total: number): void {
    if (!this.#startedMs.has(phase)) this.#startedMs.set(phase, performance.now());
    const rows = sum(this.#rowsByTable.values());
    this.#report(phase, `${text} (${done + 1} of ${total})`, {
      table,
      done: done / total,
      rows,
      rowsTotal: rows,
      rowsPerSecond: 0,
      bytes: sum([...this.#copied.values()].map((one) => one.bytes)),
    });
  }

  #report(
    phase: SeedProgress['phase'],
    text: string,
    figures: Omit<SeedProgress, 'phase' | 'text' | 'secondsLeft'>,
  ): void {
    const { done } = figures;
    const secondsLeft = done > 0 ? (this.#elapsedSeconds(phase) / done) * (1 - done) : 0;
    this.#tell?.({ phase, text, secondsLeft, ...figures });
  }

  #elapsedSeconds(phase: SeedProgress['phase']): number {
    return (performance.now() - this.#startedMs.get(phase)!) / 1000;
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
