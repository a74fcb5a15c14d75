/** What a scenario, and with it every worker thread, loads with the public surface. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const execute = promisify(execFile);

/** Prints the addresses of all modules that the import loads. */
const script = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  const surface = await import('pgrehearse');
  console.log(JSON.stringify({ loaded, names: Object.keys(surface) }));`;

it('is loaded without what does the work', async () => {
  const given = ['--conditions=pgrehearse-source', '--no-warnings', '--input-type=module', '--eval', script];
  const { stdout } = await execute(process.execPath, given);
  const { loaded, names } = JSON.parse(stdout) as { loaded: string[]; names: string[] };
  expect(names).toEqual(expect.arrayContaining(['defineScenario', 'defineSeed', 'planRun', 'run']));
  const packages = loaded.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  expect([...new Set(packages)]).toEqual(['pure-rand']);
  expect(loaded.filter((url) => /\/src\/(run|plan|server\/|load\/(engine|client))/.test(url))).toEqual([]);
});
