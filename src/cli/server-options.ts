/** Where PostgreSQL comes from, as flags of every command that starts or uses one. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { DockerLimits } from '../server/docker/image.ts';
import { configOption, parsePort, parsePositive, parseWhole } from './options.ts';

/** Which server, with the config file that may name one. */
export interface ServerFlags {
  server?: string;
  dockerMemory?: number;
  dockerCpus?: number;
  allowProduction?: boolean;
  pg?: number;
  config?: string;
}

/** Adds the flags that choose a server. */
export function addServerOptions(command: Command): Command {
  return command
    .addOption(serverOption())
    .addOption(
      new Option(
        '--docker-memory <size>',
        'memory of each container of --server docker: 4g, 512m (default: no limit)',
      ).argParser(parseMemory),
    )
    .addOption(
      new Option(
        '--docker-cpus <n>',
        'processors of each container of --server docker: 2, 1.5 (default: all)',
      ).argParser(parsePositive),
    )
    .addOption(new Option('--allow-production', 'use a postgres:// server that looks like production all the same'))
    .addOption(
      new Option('--pg <major>', "PostgreSQL's major version, 15 to 18 (default: the newest of the server)").argParser(
        parseWhole,
      ),
    );
}

/** Adds the flags of a command that measures: the server, the port of the one that it starts, its cores, the config file. */
export function addMeasuringOptions(command: Command): Command {
  return addServerOptions(command)
    .addOption(
      new Option('--port <n>', 'port of the PostgreSQL server that is started (default: a free one)').argParser(
        parsePort,
      ),
    )
    .addOption(
      new Option(
        '--keep-cores-awake',
        'halt no core that idles under the load (root on Linux; for machines whose processor time nobody limits)',
      ),
    )
    .addOption(configOption());
}

export const serverOption = () =>
  new Option(
    '--server <kind>',
    'where PostgreSQL comes from: embedded (default), installed, installed:/path/to/bin, docker, docker:image, or postgres://user@host/database',
  );

/** Docker's own spelling, in binary units, to bytes. */
export function parseMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([mg])b?$/i.exec(text);
  if (!match || Number(match[1]) === 0) throw new InvalidArgumentError('Give a number and a unit: 512m or 4g.');
  return Math.round(Number(match[1]) * (match[2]!.toLowerCase() === 'g' ? 2 ** 30 : 2 ** 20));
}

/** The limits of containers that were given. */
export function dockerLimitsOf({ dockerMemory, dockerCpus }: ServerFlags): DockerLimits {
  return {
    ...(dockerMemory === undefined ? {} : { memoryBytes: dockerMemory }),
    ...(dockerCpus === undefined ? {} : { cpus: dockerCpus }),
  };
}
