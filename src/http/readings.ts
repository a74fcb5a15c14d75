/** Figures that a service tells of itself, asked right after the load: hits of its cache, the use of its pool. */
import { messageOf } from '../errors.ts';
import type { Reading } from '../result.ts';
import type { HttpReadingSpec } from './spec.ts';

/** They are evidence, not a gate: one that takes longer is given up. */
const timeoutMs = 10_000;

/** Asks every reading that applies to the stage. One that fails or gives no number is kept with the error. */
export async function takeHttpReadings(
  readings: Readonly<Record<string, HttpReadingSpec>>,
  { stage, origin }: { stage: string; origin: string },
): Promise<Reading[]> {
  const taken: Reading[] = [];
  for (const [name, spec] of Object.entries(readings)) {
    if (spec.stages?.includes(stage) === false) continue;
    const { description, unit } = spec;
    const answer = await valueOf(spec, origin).catch((error: unknown) => ({ error: messageOf(error) }));
    taken.push({ stage, name, description, unit, ...answer });
  }
  return taken;
}

async function valueOf(
  { path, value }: HttpReadingSpec,
  origin: string,
): Promise<{ value: number } | { error: string }> {
  const answer = await fetch(origin + path, { signal: AbortSignal.timeout(timeoutMs) });
  const text = await answer.text();
  if (!answer.ok) return { error: `GET ${path} answered with status ${answer.status}` };
  const found: unknown = value(JSON.parse(text));
  if (typeof found === 'number' && Number.isFinite(found)) return { value: found };
  return { error: `GET ${path} has no number there: ${text.slice(0, 100)}` };
}
