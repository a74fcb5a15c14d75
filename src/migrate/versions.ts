/** Versions of migrations: digits, or groups of digits with dots between them as Flyway has them ("1.10"). */

/** Orders versions number by number: "2" before "010", "1.9" before "1.10"; "1" and "1.0" are the same. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0n) - (right[at] ?? 0n);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

/** One text for all ways to write a version: "3" for "003" and "3.0". */
export function versionKey(version: string): string {
  const parts = partsOf(version);
  const last = parts.findLastIndex((part, at) => part !== 0n || at === 0);
  return parts.slice(0, last + 1).join('.');
}

/** Whether a text is a version at all. */
export function isVersion(text: string): boolean {
  return /^\d+(\.\d+)*$/.test(text);
}

function partsOf(version: string): bigint[] {
  return version.split('.').map(BigInt);
}
