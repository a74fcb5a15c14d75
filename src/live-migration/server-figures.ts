/** From looks at the server to figures. Pure. */
import type { ServerEvidence } from './record.ts';
import type { ServerLook } from './server-watch.ts';

/** What the looks tell of the time of a migration, beside that of the load alone before it. */
export function serverFigures(
  looks: readonly ServerLook[],
  { startedAt, endedAt }: { startedAt: number; endedAt: number },
): Pick<ServerEvidence, 'wal' | 'disk' | 'replica'> {
  const before = looks.filter(({ atMs }) => atMs <= startedAt);
  // The last look before belongs to it: what is written in between begins there. Replicas and files follow a while after.
  const since = looks.filter(({ atMs }) => atMs >= (before.at(-1)?.atMs ?? startedAt));
  const during = since.filter(({ atMs }, at) => atMs <= endedAt || since[at - 1]!.atMs < endedAt);
  const [diskBefore, diskSince] = [before, since].map((some) => some.flatMap(({ diskBytes }) => diskBytes ?? []));
  const replica = since.flatMap((one) => one.replica ?? []);
  return {
    wal: { usualPerSecond: wholeRate(before), mostPerSecond: Math.max(0, ...rates(during)) },
    ...(diskBefore!.length === 0 || diskSince!.length === 0
      ? {}
      : { disk: { beforeBytes: diskBefore!.at(-1)!, mostBytes: Math.max(...diskSince!) } }),
    ...(replica.length === 0
      ? {}
      : {
          replica: {
            mostMs: Math.max(...replica.map(({ lagMs }) => lagMs)),
            mostBytes: Math.max(...replica.map(({ lagBytes }) => lagBytes)),
          },
        }),
  };
}

/** Bytes of write-ahead log a second between each look and the next. */
function rates(looks: readonly ServerLook[]): number[] {
  return looks.slice(1).map((look, at) => rateBetween(looks[at]!, look));
}

function wholeRate(looks: readonly ServerLook[]): number {
  return looks.length < 2 ? 0 : rateBetween(looks[0]!, looks.at(-1)!);
}

function rateBetween(from: ServerLook, to: ServerLook): number {
  return to.atMs === from.atMs ? 0 : ((to.walBytes - from.walBytes) / (to.atMs - from.atMs)) * 1000;
}
