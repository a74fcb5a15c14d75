// npm does not link a root project's own command into node_modules/.bin, so `npx pgrehearse` in a checkout would install
// the package a second time. This does what npm does for dependencies.
import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../node_modules/.bin/', import.meta.url));
const command = fileURLToPath(new URL('./pgrehearse.js', import.meta.url));

if (existsSync(folder)) {
  if (process.platform === 'win32') {
    writeFileSync(`${folder}pgrehearse.cmd`, `@node "${command}" %*\r\n`);
  } else {
    chmodSync(command, 0o755);
    rmSync(`${folder}pgrehearse`, { force: true });
    symlinkSync('../../bin/pgrehearse.js', `${folder}pgrehearse`);
  }
}
