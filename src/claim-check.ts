/** What a claim must look like, and what it must name. */
import * as z from 'zod';
import { readingUnits, type ClaimMeasure, type ClaimSpec, type ReadingSpec } from './scenario.ts';

const text = z.string().min(1);

export const claimShape = z.strictObject({
  text,
  source: text,
  stage: text,
  measure: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('latency'),
      transaction: text.optional(),
      statistic: z.enum(['mean', 'p50', 'p95', 'p99', 'max']),
      time: z.enum(['response', 'service']),
      class: text.optional(),
    }),
    z.strictObject({ kind: z.literal('heldRate') }),
    z.strictObject({ kind: z.literal('databaseBytes') }),
    z.strictObject({ kind: z.literal('timeouts') }),
    z.strictObject({
      kind: z.literal('probe'),
      transaction: text,
      statistic: z.enum(['p50', 'max']),
      class: text.optional(),
    }),
    z.strictObject({ kind: z.literal('rows'), table: text }),
    z.strictObject({ kind: z.literal('relationBytes'), table: text, part: z.enum(['heap', 'indexes', 'total']) }),
    z.strictObject({ kind: z.literal('reading'), reading: text, unit: z.enum(readingUnits) }),
    z.strictObject({ kind: z.literal('none'), reason: text }),
  ]),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
});

/** What claims may name. */
interface Known {
  stages: readonly string[];
  /** Or requests. */
  transactions: readonly string[];
  readings: Readonly<Record<string, Pick<ReadingSpec, 'unit'>>>;
}

/** What cannot be seen in the shape alone; `path` leads to the list. */
export function claimFaults(claims: readonly ClaimSpec[], known: Known, path: string): string[] {
  return claims.flatMap(({ stage, measure, atLeast, atMost }, at) => {
    const faults = unknown(known.stages, stage, `${path}.${at}.stage`, 'stage');
    if ((measure.kind === 'latency' || measure.kind === 'probe') && measure.transaction !== undefined) {
      faults.push(
        ...unknown(known.transactions, measure.transaction, `${path}.${at}.measure.transaction`, 'transaction'),
      );
    }
    if (measure.kind === 'reading') faults.push(...readingFaults(known.readings, measure, `${path}.${at}.measure`));
    if (atLeast === undefined && atMost === undefined && measure.kind !== 'none') {
      faults.push(`${path}.${at}: give atLeast, atMost or both`);
    }
    return faults;
  });
}

function unknown(known: readonly string[], name: string, path: string, kind: string): string[] {
  return known.includes(name) ? [] : [`${path}: there is no ${kind} ${name} (known: ${known.join(', ')})`];
}

/** The unit stands in the claim too, because the promise is shown where the reading was not taken. */
function readingFaults(
  readings: Known['readings'],
  { reading, unit }: Extract<ClaimMeasure, { kind: 'reading' }>,
  path: string,
): string[] {
  const found = readings[reading];
  if (!found) return [`${path}: there is no reading ${reading} (known: ${Object.keys(readings).join(', ')})`];
  return found.unit === unit ? [] : [`${path}.unit: the reading ${reading} is in ${found.unit}`];
}
