/** From looks at the lock queue to figures. Pure. */
import type { HeldLock, LiveRepeat } from './record.ts';
import type { LockLook } from './lock-watch.ts';

/** A look stands for the time until the next one, but never for longer than this: then looks were missed. */
const longestMs = 100;

/** Time that each look stands for, in ms. */
function spans(looks: readonly LockLook[]): { look: LockLook; forMs: number }[] {
  return looks.map((look, at) => {
    const next = looks[at + 1];
    return { look, forMs: next === undefined ? 0 : Math.min(longestMs, next.atMs - look.atMs) };
  });
}

/** The most sessions that waited at a time, and their waiting added up. */
export function queueOf(looks: readonly LockLook[]): LiveRepeat['queue'] {
  return {
    most: Math.max(0, ...looks.map(({ queued }) => queued)),
    blockedMs: spans(looks).reduce((sum, { look, forMs }) => sum + look.queued * forMs, 0),
  };
}

/** How long each lock was seen, the longest first. */
export function heldLocks(looks: readonly LockLook[]): HeldLock[] {
  const held = new Map<string, HeldLock>();
  for (const { look, forMs } of spans(looks)) {
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
