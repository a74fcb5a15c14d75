/** What every command gets: the signal that interrupts it, and the exit code that it may set. */
import { loadConfig, type Config } from '../config.ts';

export interface CommandContext {
  readonly signal: AbortSignal;
  exitCode: number;
}

/** Config file and environment for the folder in which the command was given. */
export async function readConfig(options: { config?: string }): Promise<{ folder: string; config: Config }> {
  const folder = process.cwd();
  return { folder, config: await loadConfig(folder, options.config) };
}
