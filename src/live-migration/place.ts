/** How findings and measured statements name the file that they are in. */
import { relative, sep } from 'node:path';

/** From the folder, with slashes on every platform. */
export function fileIn(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}
