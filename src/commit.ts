/** The git commit of the user's project, so that results can be put in the order of its history. */
import { execa } from 'execa';

/** A commit that was checked out. */
export interface Commit {
  sha: string;
  /** Files were changed or added since, those in `reports/` not counted. */
  dirty: boolean;
}

/** The commit that is checked out in a folder; undefined outside of a repository, before its first commit and without git. */
export async function readCommit(folder: string): Promise<Commit | undefined> {
  const head = await execa('git', ['rev-parse', '--verify', '--quiet', 'HEAD'], { cwd: folder, reject: false });
  if (head.failed) return undefined;
  const changes = ['status', '--porcelain', '--', ':(top)', ':(exclude)reports'];
  const status = await execa('git', changes, { cwd: folder, reject: false });
  return { sha: head.stdout, dirty: status.failed || status.stdout !== '' };
}
