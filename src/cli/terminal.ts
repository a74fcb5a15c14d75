/** Progress for people, on stderr: one live line in a terminal, plain lines elsewhere. */
import { stripVTControlCharacters, styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { RunEvent } from '../journal.ts';
import { formatMs } from '../report/format.ts';

/** Elsewhere than in a terminal, a line of progress at most this often. */
const plainIntervalMs = 10_000;

export interface Terminal {
  onEvent(event: RunEvent): void;
  /** Removes the live line. */
  close(): void;
}

/**
 * @param signal of an interruption, which is answered at once: ending in order may take a moment
 */
export function openTerminal(signal: AbortSignal, stream: NodeJS.WriteStream = process.stderr): Terminal {
  // A terminal of no width is none: some CI systems say so.
  const terminal = stream.isTTY && stream.columns > 0 ? liveTerminal(stream) : plainTerminal(stream);
  const text = 'Stopping; what is finished is kept. Press Ctrl-C again to leave at once.';
  signal.addEventListener('abort', () => terminal.onEvent({ type: 'note', text }), { once: true });
  return terminal;
}

function plainTerminal(stream: NodeJS.WriteStream): Terminal {
  let title = '';
  let lastAt = performance.now();
  return {
    onEvent(event) {
      if (event.type === 'start') {
        title = titleOf(event);
        lastAt = performance.now();
        stream.write(`${title} ...\n`);
      } else if (event.type === 'progress') {
        if (performance.now() - lastAt < plainIntervalMs) return;
        lastAt = performance.now();
        stream.write(`${title}: ${progressText(event)}\n`);
      } else if (event.type === 'end') {
        stream.write(`${endText(event)}\n`);
      } else {
        stream.write(`${event.text}\n`);
      }
    },
    close() {},
  };
}

function liveTerminal(stream: NodeJS.WriteStream): Terminal {
  const live = createLogUpdate(stream);
  let title = '';
  return {
    onEvent(event) {
      if (event.type === 'start') {
        title = titleOf(event);
        live(styleText('dim', `… ${title}`, { stream }));
      } else if (event.type === 'progress') {
        live(`… ${title}  ${styleText('dim', progressText(event), { stream })}`);
      } else if (event.type === 'end') {
        live.clear();
        stream.write(`${styleText('green', '✓', { stream })} ${endText(event)}\n`);
      } else {
        live.clear();
        stream.write(`${event.text}\n`);
      }
    },
    close: () => live.clear(),
  };
}

function titleOf({ title, stage }: { title: string; stage?: string }): string {
  return stage === undefined ? title : `${stage}: ${title}`;
}

function endText(event: Extract<RunEvent, { type: 'end' }>): string {
  const detail = event.detail === undefined ? '' : `, ${event.detail}`;
  return `${titleOf(event)}: ${formatMs(event.durationMs)}${detail}`;
}

function progressText({ text, done, secondsLeft }: Extract<RunEvent, { type: 'progress' }>): string {
  const parts = [stripVTControlCharacters(text)];
  if (done !== undefined) parts.push(`${Math.floor(done * 100)} %`);
  if (secondsLeft !== undefined && Number.isFinite(secondsLeft)) parts.push(`${Math.ceil(secondsLeft)} s left`);
  return parts.join(', ');
}
