/** A scenario of its own for each show: the webhook service in its last stage, and one change more. */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { preparation, type Show } from './changes.ts';

const projectRoot = resolve(import.meta.dirname, '../..');
const migrations = join(projectRoot, 'migrations/webhooks');

/** Writes it; shows share the stage under load, and with it its snapshot. @returns path of the scenario */
export async function writeShow(folder: string, { files }: Pick<Show, 'files'>): Promise<string> {
  await mkdir(folder, { recursive: true });
  const known = (await readdir(migrations)).toSorted();
  for (const file of known) await copyFile(join(migrations, file), join(folder, file));
  let version = Number(known.at(-1)!.split('_')[0]);
  const write = async (name: string, up: string, down: string): Promise<string> => {
    const number = String(++version).padStart(3, '0');
    await writeFile(join(folder, `${number}_${name}.up.sql`), up);
    await writeFile(join(folder, `${number}_${name}.down.sql`), down);
    return number;
  };
  const first = await write('prepare', preparation.up, preparation.down);
  let last = first;
  // Nothing is taken back here.
  for (const up of files) last = await write('change', up, 'SELECT 1;\n');
  const scenario = join(folder, 'show.mjs');
  await writeFile(
    scenario,
    `import webhooks from ${JSON.stringify(join(projectRoot, 'scenarios/webhooks.ts'))};
     const after = webhooks.stages.at(-1);
     export default {
       ...webhooks,
       name: 'show',
       claims: [],
       workload: { ...webhooks.workload, migrations: ${JSON.stringify(folder)}, invariants: {}, readings: {} },
       stages: [
         { ...after, name: 'before', migrations: '${first}' },
         { ...after, name: 'after', migrations: '${last}' },
       ],
     };\n`,
  );
  return scenario;
}
