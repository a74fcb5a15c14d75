/** Programs that a test needs and a machine may lack. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Whether there is such a program on PATH. */
export async function hasProgram(name: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = await Promise.allSettled(folders.map((folder) => access(join(folder, name), constants.X_OK)));
  return found.some(({ status }) => status === 'fulfilled');
}
