/**
 * Random numbers by position: a keyed hash of the row number instead of a stream, so that any worker can compute any row.
 *
 * The mixer is three rounds of multiply and xor-shift with the constants of triple32 (C. Wellons, hash-prospector, 2018),
 * keyed before the first and after it. Each step is a bijection of 32-bit words, so one lane never repeats within 2^32 rows.
 */
import { createHash } from 'node:crypto';

/** Key of one independent sequence of draws. */
export interface Lane {
  readonly k0: number;
  readonly k1: number;
}

/** Derives a lane from names: the seed number, the table, the column, the place within the column. */
export function laneOf(...names: readonly (string | number)[]): Lane {
  const digest = createHash('sha256').update(JSON.stringify(names)).digest();
  return { k0: digest.readInt32LE(0), k1: digest.readInt32LE(4) };
}

/** 32 random bits (signed) for a row. */
export function bits(lane: Lane, row: number): number {
  let x = row ^ lane.k0;
  x = Math.imul(x ^ (x >>> 17), 0xed5ad4bb);
  x = ((x ^ (x >>> 11)) + lane.k1) | 0;
  x = Math.imul(x, 0xac4c1b51);
  x = Math.imul(x ^ (x >>> 15), 0x31848bab);
  return x ^ (x >>> 14);
}

/** Uniform in the open interval (0, 1), in steps of 2^-32. */
export function unit(lane: Lane, row: number): number {
  return (bits(lane, row) >>> 0) * 2 ** -32 + 2 ** -33;
}

/** Uniform integer in [0, count). The bias is below count / 2^32. */
export function below(lane: Lane, row: number, count: number): number {
  return Math.floor((bits(lane, row) >>> 0) * 2 ** -32 * count);
}
