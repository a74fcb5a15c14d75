import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

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
  granted: boolean;
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
    const cores = keepCoresAwake();
    const held = open() - 1;
    const latencyUs = new Int32Array(1);
    readSync(reader, latencyUs, 0, 4, 0);
    cores[Symbol.dispose]();
    console.log(JSON.stringify({ granted: cores.granted, latencyUs: latencyUs[0], held, left: open() - 1 }));`;
  const { stdout } = await execute(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script]);
  return JSON.parse(stdout) as Seen;
}

const why = obstacle();

describe.skipIf(why !== undefined)(`keepCoresAwake${why === undefined ? '' : ` (${why})`}`, () => {
  it('lets no core be halted until it is disposed of', async () =>
    expect(await asked(0)).toEqual({ granted: true, latencyUs: 0, held: 1, left: 0 }));

  it('is refused without a word to those who may not ask', async () =>
    expect(await asked(65_534)).toMatchObject({ granted: false, held: 0, left: 0 }));
});
