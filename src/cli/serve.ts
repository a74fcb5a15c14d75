import { once } from 'node:events';
import { Command, Option } from 'commander';
import { ResultBrowser } from '../browse.ts';
import { assertPortFree } from '../server/ports.ts';
import type { CommandContext } from './context.ts';
import { parsePort } from './options.ts';

export function serveCommand(context: CommandContext): Command {
  return new Command('serve')
    .description('browse a folder of results: each report, and any two side by side')
    .argument('[dir]', 'folder with results of runs below it', 'reports/runs')
    .addOption(new Option('--port <n>', 'on loopback (default: a free one)').argParser(parsePort))
    .addHelpText(
      'after',
      `
Read-only, for this machine alone, until Ctrl-C.

Examples:
  pgrehearse serve
  pgrehearse serve reports --port 8080`,
    )
    .action(async (folder: string, { port }: { port?: number }) => {
      if (port !== undefined) await assertPortFree(port);
      await using browser = await ResultBrowser.open(folder, port ?? 0);
      console.log(`${folder} is at ${browser.url} (Ctrl-C ends it).`);
      if (!context.signal.aborted) await once(context.signal, 'abort');
    });
}
