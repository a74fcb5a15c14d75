/** "before" at a git reference: the files of the repository as they were, beside the working tree, for one run. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { EnvironmentError, messageOf, UsageError } from './errors.ts';
import type { RefSource } from './refs-scenario.ts';
import { projectFolder } from './scenario-file.ts';
import { importScenario } from './scenario-module.ts';

/**
 * Writes a scenario file with two stages: "before" is the scenario and its migrations at `ref`, "after" the working tree's.
 *
 * The files of the reference are written to `.pgrehearse/refs/<commit>` in the project, where imports of packages are found as ever;
 * git's own index and the working tree stay as they are.
 *
 * @returns path of the file
 * @throws UsageError outside of a repository, for an unknown reference, or for a scenario that is not there at the reference
 */
export async function writeScenarioOfRefs(scenarioFile: string, ref: string): Promise<string> {
  const project = await projectFolder(scenarioFile);
  const root = await repositoryOf(project);
  const sha = await commitOf(root, ref);
  const folder = join(project, '.pgrehearse', 'refs');
  const checkout = await checkOut(root, sha, folder);
  const beforeFile = join(checkout, relative(root, scenarioFile));
  if (relative(root, scenarioFile).startsWith('..') || !existsSync(beforeFile)) {
    throw new UsageError(`${scenarioFile} is not part of the repository at ${ref} (${sha.slice(0, 10)}).`, {
      hint: 'Name a reference that has the scenario, or compare stages of one version without --before-ref.',
    });
  }
  const source: RefSource = {
    ref,
    sha,
    beforeMigrations: await migrationsOf(beforeFile),
    afterMigrations: await migrationsOf(scenarioFile),
  };
  const path = join(
    folder,
    `${sha}-${scenarioFile
      .split(/[\\/]/)
      .at(-1)!
      .replace(/\.\w+$/, '')}.mjs`,
  );
  await writeFile(path, moduleText(beforeFile, scenarioFile, source));
  return path;
}

async function migrationsOf(scenarioFile: string): Promise<string> {
  const { workload } = await importScenario(scenarioFile);
  return resolve(await projectFolder(scenarioFile), workload.migrations);
}

/** A module that workers can import as well as the main thread. */
function moduleText(beforeFile: string, afterFile: string, source: RefSource): string {
  const join = new URL(`./refs-scenario${extname(import.meta.url)}`, import.meta.url).href;
  return [
    '// Written by pgrehearse for --before-ref; written anew by every run.',
    `import { scenarioOfRefs } from ${JSON.stringify(join)};`,
    `import * as before from ${JSON.stringify(pathToFileURL(beforeFile).href)};`,
    `import * as after from ${JSON.stringify(pathToFileURL(afterFile).href)};`,
    `export default scenarioOfRefs(before.default ?? before.scenario, after.default ?? after.scenario, ${JSON.stringify(source)});`,
    '',
  ].join('\n');
}

async function repositoryOf(project: string): Promise<string> {
  const { stdout, failed } = await git(project, ['rev-parse', '--show-toplevel']);
  if (!failed) return stdout;
  throw new UsageError(`${project} is not in a git repository, so there is nothing to take "before" from.`, {
    hint: 'Run it in a clone of the repository, and see that git is installed.',
  });
}

async function commitOf(root: string, ref: string): Promise<string> {
  const { stdout, failed } = await git(root, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${ref}^{commit}`,
  ]);
  if (!failed) return stdout;
  throw new UsageError(`The repository ${root} has no commit ${ref}.`, {
    hint: 'Name a branch, tag or commit that was fetched; in GitHub Actions check out with fetch-depth: 0.',
  });
}

/** The files of a commit in a folder of its own, through an index of its own. */
async function checkOut(root: string, sha: string, folder: string): Promise<string> {
  const target = join(folder, sha);
  if (existsSync(target)) return target;
  try {
    await mkdir(folder, { recursive: true });
    // Nothing in here is the user's to commit.
    await writeFile(join(dirname(folder), '.gitignore'), '*\n');
    const partial = await mkdtemp(join(folder, 'partial-'));
    const env = { GIT_INDEX_FILE: join(partial, '.index') };
    try {
      for (const args of [
        ['read-tree', sha],
        ['checkout-index', '--all', `--prefix=${join(partial, 'files')}/`],
      ]) {
        const { failed, stderr } = await git(root, args, env);
        if (failed) throw new Error(stderr);
      }
      await rename(join(partial, 'files'), target);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  } catch (cause) {
    throw new EnvironmentError(
      `The files of commit ${sha.slice(0, 10)} cannot be written to ${folder}: ${messageOf(cause)}`,
      {
        hint: 'Check that the project folder is writable and the disk has room.',
        cause,
      },
    );
  }
  return target;
}

async function git(
  cwd: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string; failed: boolean }> {
  const { stdout, stderr, failed } = await execa('git', args, { cwd, env, reject: false });
  return { stdout: stdout ?? '', stderr: stderr ?? '', failed };
}
