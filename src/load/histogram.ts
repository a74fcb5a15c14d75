/** Latency histograms: microseconds, three significant digits, merged by addition (HdrHistogram by Gil Tene). */
import {
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  initWebAssembly,
  WasmHistogram,
} from 'hdr-histogram-js';
import type { Percentiles } from '../result.ts';

// The WASM build records in 20-30 ns; it must be initialised once before the first histogram.
await initWebAssembly();

/** Longest latency that is told apart: an hour. Longer ones are counted as this. */
export const highestLatencyUs = 3_600_000_000;

const settings = {
  bitBucketSize: 64,
  autoResize: false,
  lowestDiscernibleValue: 1,
  highestTrackableValue: highestLatencyUs,
  numberOfSignificantValueDigits: 3,
  useWebAssembly: true,
} as const;

/** One histogram. Its memory lies outside the garbage collector's reach: dispose of it. */
export class LatencyHistogram implements Disposable {
  readonly #histogram: WasmHistogram;
  // The buckets hold three digits; the ends and the sum are kept exactly beside them.
  #minUs = Infinity;
  #maxUs = 0;
  #sumUs = 0;

  constructor(histogram: WasmHistogram = WasmHistogram.build(settings)) {
    this.#histogram = histogram;
  }

  /** Counts one latency; it is rounded to whole microseconds and clamped to 0 .. `highestLatencyUs`. */
  record(latencyUs: number): void {
    const value = Math.min(Math.max(Math.round(latencyUs), 0), highestLatencyUs);
    this.#histogram.recordValue(value);
    if (value < this.#minUs) this.#minUs = value;
    if (value > this.#maxUs) this.#maxUs = value;
    this.#sumUs += value;
  }

  /** Adds the counts of another histogram. */
  add(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram);
    this.#minUs = Math.min(this.#minUs, other.#minUs);
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
    this.#sumUs += other.#sumUs;
  }

  /** Forgets everything. */
  reset(): void {
    this.#histogram.reset();
    this.#minUs = Infinity;
    this.#maxUs = 0;
    this.#sumUs = 0;
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** The latency that `percentile` per cent of the samples do not exceed, to three digits; 0 when empty. */
  atPercentile(percentile: number): number {
    if (this.count === 0) return 0;
    // A bucket answers with its upper end, which may lie beyond the largest sample.
    return Math.max(Math.min(this.#histogram.getValueAtPercentile(percentile), this.#maxUs), this.#minUs);
  }

  percentiles(): Percentiles {
    const { count } = this;
    return {
      count,
      minUs: count === 0 ? 0 : this.#minUs,
      meanUs: count === 0 ? 0 : this.#sumUs / count,
      p50Us: this.atPercentile(50),
      p90Us: this.atPercentile(90),
      p95Us: this.atPercentile(95),
      p99Us: this.atPercentile(99),
      p999Us: this.atPercentile(99.9),
      maxUs: this.#maxUs,
    };
  }

  /** Base64 of the compressed V2 encoding that all HdrHistogram implementations share. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  /** The inverse of `encode`; minimum, mean and maximum are then known to three digits only. */
  static decode(encoded: string): LatencyHistogram {
    const histogram = decodeFromCompressedBase64(encoded, 64, true) as WasmHistogram;
    const decoded = new LatencyHistogram(histogram);
    if (histogram.totalCount > 0) {
      decoded.#minUs = histogram.getValueAtPercentile(0);
      decoded.#maxUs = histogram.maxValue;
      decoded.#sumUs = histogram.mean * histogram.totalCount;
    }
    return decoded;
  }

  [Symbol.dispose](): void {
    this.#histogram.destroy();
  }
}
