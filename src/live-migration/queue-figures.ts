/** From looks at the lock queue to figures. Pure. */
import type { HeldLock, LiveRepeat } from './record.ts';
import type { LockLook } from './lock-watch.ts';

/** A look stands for the time until the next one, but for no longer than this where nobody watched for a change: then looks were missed. */
const longestMs = 100;

/**
 * Time that each look stands for, in ms.
 *
 * @param endMs until when the last one stands
 */
function spans(looks: readonly LockLook[], endMs = looks.at(-1)?.atMs ?? 0): { look: LockLook; forMs: number }[] {
  return looks.map((look, at) => {
    const forMs = (looks[at + 1]?.atMs ?? endMs) - look.atMs;
    return { look, forMs: look.stands ? forMs : Math.min(longestMs, forMs) };
  });
}

/** The most sessions that waited at a time, and their waiting added up. */
export function queueOf(looks: readonly LockLook[]): LiveRepeat['queue'] {
  return {
    most: Math.max(0, ...looks.map(({ queued }) => queued)),
    blockedMs: spans(looks).reduce((sum, { look, forMs }) => sum + look.queued * forMs, 0),
  };
}

/**
 * How long each lock was seen, the longest first.
 *
 * @param endMs when the migration had ended
 */
export function heldLocks(looks: readonly LockLook[], endMs: number): HeldLock[] {
  const held = new Map<string, HeldLock>();
  for (const { look, forMs } of spans(looks, endMs)) {
    for (const { relation, mode } of look.held) {
      const known = held.get(`${relation} ${mode}`) ?? { relation, mode, heldMs: 0 };
      known.heldMs += forMs;
      held.set(`${relation} ${mode}`, known);
    }
  }
  return [...held.values()].sort((a, b) => b.heldMs - a.heldMs);
}

/** How long a migration waited between two instants, and for whom. */
export function waitBetween(
  looks: readonly LockLook[],
  fromMs: number,
  toMs: number,
): { waitedMs: number; blockers: string[] } {
  const waiting = spans(looks).filter(({ look }) => look.waiting && look.atMs >= fromMs && look.atMs <= toMs);
  return {
    waitedMs: waiting.reduce((sum, { forMs }) => sum + forMs, 0),
    blockers: [...new Set(waiting.flatMap(({ look }) => look.blockers))],
  };
}

/** When it waited between two instants; a look stands for the time until the next. */
export function waitSpans(
  looks: readonly LockLook[],
  fromMs: number,
  toMs: number,
): { fromMs: number; toMs: number }[] {
  const waits: { fromMs: number; toMs: number }[] = [];
  for (const { look, forMs } of spans(looks)) {
    if (!look.waiting || look.atMs < fromMs || look.atMs > toMs) continue;
    const last = waits.at(-1);
    const end = Math.min(toMs, look.atMs + forMs);
    if (last !== undefined && look.atMs <= last.toMs) last.toMs = end;
    else waits.push({ fromMs: look.atMs, toMs: end });
  }
  return waits;
}
