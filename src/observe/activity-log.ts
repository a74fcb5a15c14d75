/** What a server was seen to do beside its clients, look by look, put together to stretches of time. Pure. */
import type { ServerActivity } from './record.ts';

/** Looks come every tenth of a second; what is away for longer than this has ended and begins anew. */
const longestGapMs = 1000;

interface Stretch {
  what: string;
  firstMs: number;
  lastMs: number;
}

export class ActivityLog {
  readonly #stretches: Stretch[] = [];

  /** @param atMs of Date.now() */
  see(activities: readonly string[], atMs: number): void {
    for (const what of new Set(activities)) {
      const current = this.#stretches.findLast((stretch) => stretch.what === what);
      if (current !== undefined && atMs - current.lastMs <= longestGapMs) current.lastMs = atMs;
      else this.#stretches.push({ what, firstMs: atMs, lastMs: atMs });
    }
  }

  /** In the order in which they began. */
  stretches(): ServerActivity[] {
    return this.#stretches.map(({ what, firstMs, lastMs }) => ({
      what,
      startedAt: new Date(firstMs).toISOString(),
      durationMs: lastMs - firstMs,
    }));
  }
}
