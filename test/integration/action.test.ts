/** action.yml: its script runs as the runner would run it, with a stand-in for npx that tells its arguments. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pgrehearse, projectRoot } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let action: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  action = await readFile(join(projectRoot, 'action.yml'), 'utf8');
  await mkdir(join(temporary.path, 'bin'));
  await writeFile(
    join(temporary.path, 'bin', 'npx'),
    '#!/bin/bash\nprintf "%s\\n" "$@" > "$TOLD"\nexit "$FAKE_CODE"\n',
  );
  await chmod(join(temporary.path, 'bin', 'npx'), 0o755);
});
afterAll(() => temporary[Symbol.asyncDispose]());

/** The script of the first step: the lines below its `run: |`, as deep as the first. */
function firstScript(): string {
  const lines = action.split('\n');
  const start = lines.findIndex((line) => line.trim() === 'run: |') + 1;
  const depth = lines[start]!.search(/\S/);
  const end = lines.findIndex((line, at) => at > start && line.trim() !== '' && line.search(/\S/) < depth);
  return lines
    .slice(start, end)
    .map((line) => line.slice(depth))
    .join('\n');
}

async function runStep(env: Record<string, string>): Promise<{ told: string[]; output: string; exitCode: number }> {
  const [told, output] = [join(temporary.path, 'told'), join(temporary.path, 'output')];
  await writeFile(output, '');
  const { exitCode } = await execa('bash', ['-e', '-o', 'pipefail', '-c', firstScript()], {
    reject: false,
    env: {
      PATH: `${join(temporary.path, 'bin')}:${process.env['PATH']}`,
      TOLD: told,
      GITHUB_OUTPUT: output,
      FAKE_CODE: '0',
      SCENARIO: './shop.ts',
      PRESET: 'standard',
      ON_INCONCLUSIVE: 'fail',
      OUT: '/tmp/out',
      BEFORE_REF: '',
      SLO: '',
      MAX_REGRESSION: '',
      ARGS: '',
      ...env,
    },
  });
  return {
    told: (await readFile(told, 'utf8')).trimEnd().split('\n'),
    output: await readFile(output, 'utf8'),
    exitCode: exitCode!,
  };
}

describe('action.yml', () => {
  it('passes on what is given and nothing else, however it is spelt', async () => {
    const { told } = await runStep({
      BEFORE_REF: 'a b; echo $(id)',
      SLO: 'p95<50ms',
      MAX_REGRESSION: '10%',
      ARGS: '--scale 0.1 --seed 2',
    });
    expect(told).toContain('a b; echo $(id)');
    expect(told.slice(0, 4)).toEqual(['--no-install', 'pgrehearse', 'run', './shop.ts']);
    expect(told.slice(-4)).toEqual(['--scale', '0.1', '--seed', '2']);
    expect((await runStep({})).told).not.toContain('--before-ref');
  });

  it('keeps the exit code for the last step, so that the report is kept first', async () => {
    expect(await runStep({ FAKE_CODE: '3' })).toMatchObject({ exitCode: 0, output: 'exit-code=3\n' });
  });

  it('knows only flags that `run` has', async () => {
    const { stdout } = await pgrehearse(['run', '--help'], join(temporary.path, 'cache'));
    const flags = firstScript()
      .match(/(?<=[ (])--[a-z-]+/g)!
      .filter((flag) => flag !== '--no-install');
    expect(flags.length).toBeGreaterThan(6);
    for (const flag of flags) expect(stdout).toContain(flag);
  });
});
