/** Thread of the pacer: sleeps until the next due time, then wakes the loop. */
import { parentPort } from 'node:worker_threads';
import { monotonicClock, Order, restUs, Word } from './pacer.ts';
import type { PacingOrder } from './pacer.ts';
import { refuseTimerSlack } from './precedence.ts';

function pace({ words, dueUs, startUs }: PacingOrder): void {
  let next = 0;
  let wokenUs = -Infinity;
  while (next < dueUs.length) {
    const order = Atomics.load(words, Word.order);
    if (order === Order.stop) return;
    const rest = restUs(order, dueUs, next);
    const leadUs = rest === 0 ? Atomics.load(words, Word.leadNs) / 1000 : 0;
    const wakeUs = Math.max(startUs + dueUs[next]! - leadUs, wokenUs + rest);
    const waitUs = wakeUs - monotonicClock.nowUs();
    // Another order ends the sleep.
    if (waitUs > 0 && Atomics.wait(words, Word.order, order, waitUs / 1000) !== 'timed-out') continue;
    wokenUs = monotonicClock.nowUs();
    do next++;
    while (next < dueUs.length && dueUs[next]! <= wokenUs - startUs);
    Atomics.store(words, Word.announced, next);
    // Asleep, the loop wakes by itself and then looks at what was announced.
    if (Atomics.load(words, Word.asleep) === 0) Atomics.notify(words, Word.announced);
  }
}

refuseTimerSlack();
parentPort!.on('message', pace);
parentPort!.postMessage('ready');
