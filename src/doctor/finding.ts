/** What a look at this machine found. */
import { messageOf, PgrehearseError } from '../errors.ts';

export interface Finding {
  /** What was looked at. */
  what: string;
  /** `fault`: no run is possible. `warning`: figures may be worse than they need be. */
  status: 'ok' | 'warning' | 'fault';
  /** What was found. */
  text: string;
  /** The next step, where something is to be done. */
  advice?: string;
}

/** What a look returns: a text when all is well. */
export type Outcome = string | Omit<Finding, 'what'>;

export interface Look {
  what: string;
  /** An error is a fault. */
  examine: () => Promise<Outcome> | Outcome;
}

export function warning(text: string, advice: string): Outcome {
  return { status: 'warning', text, advice };
}

export function fault(text: string, advice: string): Outcome {
  return { status: 'fault', text, advice };
}

/** Takes a look; never throws. */
export async function find({ what, examine }: Look): Promise<Finding> {
  try {
    const outcome = await examine();
    return typeof outcome === 'string' ? { what, status: 'ok', text: outcome } : { what, ...outcome };
  } catch (error) {
    const advice = error instanceof PgrehearseError ? error.hint : undefined;
    return { what, status: 'fault', text: messageOf(error), ...(advice === undefined ? {} : { advice }) };
  }
}
