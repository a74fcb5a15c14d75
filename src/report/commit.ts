import type { Commit } from '../commit.ts';

/** 'e2ec5c2b1a', with '+' where files differed from it. */
export function describeCommit({ sha, dirty }: Commit): string {
  return `${sha.slice(0, 10)}${dirty ? '+' : ''}`;
}
