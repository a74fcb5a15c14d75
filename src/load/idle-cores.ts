/** Cores that have nothing to do for a moment: whether they stay awake. */
import { closeSync, openSync, writeSync } from 'node:fs';

/** The kernel takes a 32-bit number there, in microseconds, and holds to it for as long as the file is open (Documentation/power/pm_qos_interface.rst). */
const device = '/dev/cpu_dma_latency';

/** A hold on the cores; `granted` tells whether there is one. */
export interface AwakeCores extends Disposable {
  granted: boolean;
}

/**
 * Asks Linux to halt no core that idles, until disposed of or the process ends. Waking one takes some fifty microseconds on a virtual machine, and at a
 * thousand transactions a second generator and server idle between any two: their answers then tell how fast the machine wakes, more
 * than how fast the server is. cyclictest of the rt-tests does the same, for the same reason.
 *
 * Needs root, or write access to /dev/cpu_dma_latency.
 */
export function keepCoresAwake(): AwakeCores {
  const file = openDevice();
  if (file === undefined) return { granted: false, [Symbol.dispose]: () => undefined };
  return { granted: demandNoLatency(file), [Symbol.dispose]: () => closeSync(file) };
}

function openDevice(): number | undefined {
  try {
    // Never created: in a container there may be none.
    return openSync(device, 'r+');
  } catch {
    return undefined;
  }
}

function demandNoLatency(file: number): boolean {
  try {
    return writeSync(file, new Uint8Array(Int32Array.BYTES_PER_ELEMENT)) === Int32Array.BYTES_PER_ELEMENT;
  } catch {
    return false;
  }
}
