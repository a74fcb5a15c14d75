#!/usr/bin/env node
// Entry of the `pgrehearse` command. Plain JavaScript that old Node versions can parse, so that they get a sentence and
// not a syntax error. A checkout pins its own Node as a dev dependency: figures without a runtime version mean nothing.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const supported = major > 22 || (major === 22 && minor >= 22);
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

if (supported) {
  await import('../dist/src/cli/main.js');
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
} else {
  console.error(
    `pgrehearse needs Node 22.22 or newer; this is ${process.version}. Install a newer Node and try again.`,
  );
  process.exit(2);
}
