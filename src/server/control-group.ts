/** Memory that the control groups of this process allow, as containers and services limit it. */

/** Reads a file's text; undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

const mount = '/sys/fs/cgroup';

/**
 * The least of the limits of this process's control group and of those above it, in bytes; undefined where none has one.
 *
 * Version 2 keeps all controllers in one tree (`0::/path`; memory.max, and memory.high, from which on processes are slowed down),
 * version 1 has a tree for memory (`5:memory:/path`; memory.limit_in_bytes). In a container the path may be that of the machine,
 * while the container's own group is mounted as the root: so the root is looked at too, and files that are missing are no limit.
 * Sources: Linux kernel, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
 */
export function memoryLimitBytes(read: ReadText): number | undefined {
  const limits = (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === '') return ancestors(path).flatMap((group) => limitsIn(read, mount + group, ['max', 'high']));
    if (!controllers!.split(',').includes('memory')) return [];
    return ancestors(path).flatMap((group) => limitsIn(read, `${mount}/memory${group}`, ['limit_in_bytes']));
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function limitsIn(read: ReadText, folder: string, files: readonly string[]): number[] {
  const texts = files.map((file) => read(`${folder}/memory.${file}`)?.trim());
  return texts.flatMap((text) => (text !== undefined && /^\d+$/.test(text) ? [Number(text)] : []));
}

/** The group itself, then those above it, up to the root (''). */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, up) =>
    parts
      .slice(0, parts.length - up)
      .map((part) => `/${part}`)
      .join(''),
  );
}
