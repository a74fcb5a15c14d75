import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse, shop } from './command.ts';
import { temporaryFolder } from './postgres.ts';

const execute = promisify(execFile);
const device = '/dev/cpu_dma_latency';
const module = new URL('../../src/load/idle-cores.ts', import.meta.url).href;

/** Why nobody is granted it here; undefined where root is. */
function obstacle(): string | undefined {
  try {
    closeSync(openSync(device, 'r+'));
  } catch (error) {
    return `cores are not kept awake here: ${String(error)}`;
  }
  return process.getuid?.() === 0 ? undefined : 'only root can become another user';
}

interface Seen {
  /** What was said where it was refused. */
  error?: string;
  /** What the kernel holds to while cores are kept awake, in microseconds. */
  latencyUs: number;
  /** Of the files of the process, how many are the device: meanwhile, and afterwards. */
  held: number;
  left: number;
}

/** What a process of its own is granted after it became the user. */
async function asked(user: number): Promise<Seen> {
  const script = `
    import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
    const { keepCoresAwake } = await import(${JSON.stringify(module)});
    const open = () => readdirSync('/proc/self/fd').filter((number) => {
      try { return readlinkSync('/proc/self/fd/' + number) === ${JSON.stringify(device)}; } catch { return false; }
    }).length;
    const reader = openSync(${JSON.stringify(device)}, 'r');
    process.seteuid(${user});
    let cores, error;
    try { cores = keepCoresAwake(); } catch (caught) { error = caught.name + ': ' + caught.message; }
    const held = open() - 1;
    const latencyUs = new Int32Array(1);
    readSync(reader, latencyUs, 0, 4, 0);
    cores?.[Symbol.dispose]();
    console.log(JSON.stringify({ error, latencyUs: latencyUs[0], held, left: open() - 1 }));`;
  const { stdout } = await execute(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script]);
  return JSON.parse(stdout) as Seen;
}

const why = obstacle();

describe.skipIf(why !== undefined)(`keepCoresAwake${why === undefined ? '' : ` (${why})`}`, () => {
  it('lets no core be halted until it is disposed of', async () =>
    expect(await asked(0)).toEqual({ latencyUs: 0, held: 1, left: 0 }));

  it('says so to those who may not ask', async () => {
    const { error, held } = await asked(65_534);
    expect(error).toMatch(/^EnvironmentError: Idle cores cannot be kept awake: EACCES: permission denied/);
    expect(held).toBe(0);
  });
});

describe('run --keep-cores-awake', () => {
  it('tells it in result and report, or that it is refused before anything begins', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'out');
    const args = ['run', shop, '--preset', 'none', '--stages', 'after', '--duration', '1s', '--out', out];
    const { exitCode, stderr } = await pgrehearse([...args, '--keep-cores-awake'], join(folder.path, 'cache'));
    if (why?.startsWith('cores are not kept awake') === true) {
      expect(stderr).toContain('Idle cores cannot be kept awake');
      expect(exitCode).toBe(5);
      expect(await readdir(folder.path)).not.toContain('out');
      return;
    }
    expect((await readResult(out)).load.keepCoresAwake).toBe(true);
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('idle cores were kept awake');
  });
});
