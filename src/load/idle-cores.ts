/** Cores that have nothing to do for a moment: whether they stay awake. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { LoadSpec } from '../scenario.ts';

/** The kernel takes a 32-bit number there, in microseconds, and holds to it for as long as the file is open (Documentation/power/pm_qos_interface.rst). */
const device = '/dev/cpu_dma_latency';

/**
 * Asks Linux to halt no core that idles, until disposed of or the process ends. Waking one takes some fifty microseconds on a virtual machine, and at a
 * thousand transactions a second generator and server idle between any two: their answers then tell how fast the machine wakes, more
 * than how fast the server is. cyclictest of the rt-tests does the same, for the same reason.
 *
 * @throws EnvironmentError where it is not granted; it takes root, or write access to /dev/cpu_dma_latency
 */
export function keepCoresAwake(): Disposable {
  using resources = new DisposableStack();
  try {
    // Never created: in a container there may be none.
    const file = openSync(device, 'r+');
    resources.defer(() => closeSync(file));
    writeSync(file, Int32Array.of(0));
  } catch (cause) {
    throw new EnvironmentError(`Idle cores cannot be kept awake: ${messageOf(cause)}.`, {
      hint: 'Run as root on Linux, or leave out --keep-cores-awake (keepCoresAwake of the load).',
      cause,
    });
  }
  return resources.move();
}

/**
 * The same, if the load asks for it.
 * @throws EnvironmentError where it is not granted
 */
export function coresFor({ keepCoresAwake: isAsked = false }: Pick<LoadSpec, 'keepCoresAwake'>): Disposable {
  return isAsked ? keepCoresAwake() : new DisposableStack();
}
