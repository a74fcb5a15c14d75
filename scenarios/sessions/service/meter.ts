/** Counts and times of one thing: since the start, and since somebody last looked. */
import { createHistogram } from 'node:perf_hooks';

export interface MeterFigures {
  calls: number;
  errors: number;
  meanMs: number;
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
}

/** Two digits up to a minute: a few kilobytes. In microseconds. */
const newHistogram = () => createHistogram({ lowest: 1, highest: 60_000_000, figures: 2 });

class Tally {
  calls = 0;
  errors = 0;
  readonly #timesUs = newHistogram();

  record(durationMs: number, failed: boolean): void {
    this.calls++;
    if (failed) this.errors++;
    this.#timesUs.record(Math.max(1, Math.round(durationMs * 1000)));
  }

  figures(): MeterFigures {
    const at = (percentile: number) => (this.calls === 0 ? 0 : this.#timesUs.percentile(percentile) / 1000);
    const meanMs = this.calls === 0 ? 0 : this.#timesUs.mean / 1000;
    return { calls: this.calls, errors: this.errors, meanMs, p50Ms: at(50), p95Ms: at(95), maxMs: at(100) };
  }
}

export class Meter {
  readonly #total = new Tally();
  #recent = new Tally();

  record(durationMs: number, failed = false): void {
    this.#total.record(durationMs, failed);
    this.#recent.record(durationMs, failed);
  }

  figures(): MeterFigures {
    return this.#total.figures();
  }

  /** What came since the last call of this method. */
  takeRecent(): MeterFigures {
    const recent = this.#recent;
    this.#recent = new Tally();
    return recent.figures();
  }
}

/** A meter for each name, made when the name first occurs. */
export class Meters {
  readonly #meters = new Map<string, Meter>();

  of(name: string): Meter {
    let meter = this.#meters.get(name);
    if (meter === undefined) this.#meters.set(name, (meter = new Meter()));
    return meter;
  }

  /** The slowest first, by p95. */
  figures(): (MeterFigures & { name: string })[] {
    const all = [...this.#meters].map(([name, meter]) => ({ name, ...meter.figures() }));
    return all.sort((one, other) => other.p95Ms - one.p95Ms);
  }

  takeRecent(): (MeterFigures & { name: string })[] {
    return [...this.#meters].map(([name, meter]) => ({ name, ...meter.takeRecent() }));
  }
}
