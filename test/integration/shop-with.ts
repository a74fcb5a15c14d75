/** The shop of test/fixtures with other migrations. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from './command.ts';

/**
 * Writes its migrations, from the second on, and a scenario without invariants.
 *
 * @param lastStage what is different in it, as JavaScript text
 * @param everyStage the same of all of them
 * @returns path of the scenario
 */
export async function writeShop(
  folder: string,
  files: readonly (readonly [up: string, down: string])[],
  lastStage = '{}',
  everyStage = '{}',
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const baseline = join(projectRoot, 'test/fixtures/shop/001_shop');
  const write = (file: string, text: string) => writeFile(join(folder, file), text);
  for (const direction of ['up', 'down']) {
    await write(`001_shop.${direction}.sql`, await readFile(`${baseline}.${direction}.sql`, 'utf8'));
  }
  for (const [at, [up, down]] of files.entries()) {
    const version = String(at + 2).padStart(3, '0');
    await write(`${version}_change.up.sql`, `${up};\n`);
    await write(`${version}_change.down.sql`, `${down};\n`);
  }
  const last = String(files.length + 1).padStart(3, '0');
  await write(
    'shop.mjs',
    `import shop from ${JSON.stringify(join(projectRoot, 'test/fixtures/shop.ts'))};
     const workload = { ...shop.workload, migrations: ${JSON.stringify(folder)}, invariants: {} };
     const every = ${everyStage};
     const stages = [{ ...shop.stages[0], ...every }, { ...shop.stages[1], ...every, migrations: '${last}', ...(${lastStage}) }];
     export default { ...shop, workload, stages };\n`,
  );
  return join(folder, 'shop.mjs');
}
