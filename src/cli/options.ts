/** Flags that several commands share, and how their values are read. Bad values are refused, never guessed at. */
import { InvalidArgumentError, Option } from 'commander';
import { blockLimitsMs } from '../comparison/plan.ts';
import { PgrehearseError } from '../errors.ts';
import type { SloSpec } from '../scenario.ts';
import { parseAllowance, parseSlo, type Thresholds } from '../thresholds.ts';
import { leastPairs } from '../verdict/pairs.ts';

/** "60s", "1.5m", "250ms", "2h" to milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Give a number and a unit: 250ms, 60s, 5m or 1h.');
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
}

export function parsePositive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0 || text.trim() === '') {
    throw new InvalidArgumentError('Give a number above 0.');
  }
  return value;
}

export function parseWhole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '') {
    throw new InvalidArgumentError('Give a whole number from 0.');
  }
  return value;
}

export function parsePort(text: string): number {
  const value = parseWhole(text);
  if (value < 1 || value > 65_535) throw new InvalidArgumentError('Give a port from 1 to 65535.');
  return value;
}

export function parseList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('Give names with commas between them.');
  return names;
}

export const scaleOption = () =>
  new Option('--scale <factor>', 'size of the data; 1 is full size').argParser(parsePositive).default(1);

export const seedOption = () =>
  new Option('--seed <n>', 'number that all random choices derive from').argParser(parseWhole).default(1);

export const workersOption = () =>
  new Option(
    '--workers <n>',
    'threads of the load generator (default: 1; more pay from about 5,000 transactions a second, on cores that the server leaves)',
  ).argParser(parseWhole);

export const rateOption = () => new Option('--rate <tps>', 'transactions a second').argParser(parsePositive);

export const connectionsOption = () => new Option('--connections <n>', 'size of the client pool').argParser(parseWhole);

export const stagesOption = () =>
  new Option('--stages <a,b>', 'these stages, or all of them (default: the first and the last)').argParser(parseList);

export const outOption = () => new Option('--out <dir>', 'folder for result and report (default: reports/runs/<id>)');

export const configOption = () =>
  new Option('--config <file>', 'config file (default: pgrehearse.config.ts, if there)');

/** A reader of the library as a reader of commander, with its advice. */
function reading<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (error instanceof PgrehearseError) throw new InvalidArgumentError(error.hint ?? error.message);
      throw error;
    }
  };
}

/** What a verdict is reached by. */
export interface ThresholdFlags {
  slo?: SloSpec;
  maxRegression?: number;
  maxWork?: number;
}

export const maxRegressionOption = (what = 'how much p95 may grow from the first stage to the last: 10%') =>
  new Option('--max-regression <percentage>', what).argParser(reading(parseAllowance));

export const thresholdOptions = () => [
  new Option('--slo <p95<50ms>', "service level objective: 'p95<50ms', 'p99 < 1.5s'").argParser(reading(parseSlo)),
  maxRegressionOption(),
  new Option(
    '--max-work <percentage>',
    "how much the server's work for a transaction may grow: 5% (default: shown, not judged)",
  ).argParser(reading(parseAllowance)),
];

/** The thresholds that were given. */
export function thresholdsOf({ slo, maxRegression, maxWork }: ThresholdFlags): Thresholds {
  return {
    ...(slo === undefined ? {} : { slo }),
    gate: { ...(maxRegression === undefined ? {} : { maxRegression }), ...(maxWork === undefined ? {} : { maxWork }) },
  };
}

export const pairsOption = () =>
  new Option('--pairs <n>', 'pairs of blocks before the first look, at least 12').argParser(parsePairs);

export const blockOption = () =>
  new Option('--block <time>', 'length of a block of a pair, from 1s to 5s (default: 3s)').argParser(parseBlock);

/** How many pairs of which blocks are compared, as flags. */
export interface PairFlags {
  pairs?: number;
  block?: number;
}

/** What was given of it. */
export function pairsOf({ pairs, block }: PairFlags): { pairs?: number; blockMs?: number } {
  return { ...(pairs === undefined ? {} : { pairs }), ...(block === undefined ? {} : { blockMs: block }) };
}

function parsePairs(text: string): number {
  const pairs = parseWhole(text);
  if (pairs < leastPairs || pairs > 1000)
    throw new InvalidArgumentError(`Give a whole number from ${leastPairs} to 1000.`);
  return pairs;
}

function parseBlock(text: string): number {
  const blockMs = parseDuration(text);
  const { least, most } = blockLimitsMs;
  if (blockMs < least || blockMs > most) throw new InvalidArgumentError('Give a time from 1s to 5s.');
  return blockMs;
}

export const jsonOption = (what: string) => new Option('--json', `print ${what} as JSON on stdout`);
