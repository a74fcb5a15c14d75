import { execa } from 'execa';
import { EnvironmentError } from '../errors.ts';

/** What opens a file in the program that the user has chosen for its kind. */
const openers: Partial<Record<NodeJS.Platform, [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Shows a page in the user's browser, which stays open when the command ends. @throws EnvironmentError where nothing can */
export async function openPage(path: string): Promise<void> {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open'];
  try {
    await execa(command, [...args, path], { stdio: 'ignore' });
  } catch (error) {
    throw new EnvironmentError(`${path} cannot be opened here by ${command}.`, {
      hint: 'Open the file in a browser yourself.',
      cause: error,
    });
  }
}
