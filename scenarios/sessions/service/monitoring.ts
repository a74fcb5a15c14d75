/** What the service notes about itself: requests, statements, waits for a connection. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Meter, Meters } from './meter.ts';
import type { Clock } from './settings.ts';

/** Source document, line 46. */
export const slowStatementMs = 50;

const slowStatementsKept = 50;

export class Monitor {
  /** By method and route; an error is an answer of 500 and more. */
  readonly requests = new Meters();
  /** By the statement's name, from the moment there is a connection. */
  readonly statements = new Meters();
  /** Until there was a connection, or until the pool gave up. */
  readonly connectionWait = new Meter();
  readonly slowCounts = new Map<string, number>();
  readonly #slow: { name: string; durationMs: number; at: Date }[] = [];
  readonly #loopDelay = monitorEventLoopDelay();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#loopDelay.enable();
  }

  statement(name: string, durationMs: number, failed: boolean): void {
    this.statements.of(name).record(durationMs, failed);
    if (durationMs <= slowStatementMs) return;
    this.slowCounts.set(name, (this.slowCounts.get(name) ?? 0) + 1);
    this.#slow.push({ name, durationMs, at: this.#clock() });
    if (this.#slow.length > slowStatementsKept) this.#slow.shift();
  }

  /** The latest of the slow statements, newest first. A log line for each would be the next load at the worst moment. */
  slowStatements() {
    return this.#slow.toReversed();
  }

  process() {
    const { rss, heapUsed } = process.memoryUsage();
    return {
      uptimeSeconds: Math.round(process.uptime()),
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      eventLoopDelayP99Ms: this.#loopDelay.percentile(99) / 1e6,
    };
  }

  close(): void {
    this.#loopDelay.disable();
  }
}
