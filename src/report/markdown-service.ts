/** The services that requests went to, in report.md. */
import type { RunResult } from '../result.ts';
import { escapeText, table } from './markdown-text.ts';

/** The section; '' where transactions went to a database. */
export function renderServices({ stages, load }: RunResult): string {
  const rows = stages.flatMap(({ name, service }) => {
    if (service === undefined) return [];
    const variables = Object.entries(service.env).map(([variable, value]) => escapeText(`${variable}=${value}`));
    return [[escapeText(name), escapeText(service.command ?? service.url ?? ''), variables.join('<br>')]];
  });
  if (rows.length === 0) return '';
  return [
    '## Service',
    `Every transaction of this report is an HTTP request, sent at its due instant over one of ${load.connections} connections that ` +
      'are kept alive (open loop), and answered when the last byte of the body has come.',
    table(['Stage', 'Command or address', 'Variables'], rows),
  ].join('\n\n');
}

/** Whether the databases of the stages are known at all: a service that is not ours keeps its own to itself. */
export function hasDatabases({ server }: Pick<RunResult, 'server'>): boolean {
  return server.kind !== 'none';
}
