/** The services that requests went to, in report.md. */
import type { RunResult } from '../result.ts';
import { formatCount, formatRate, formatUs } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

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
    `Every transaction of this report is an HTTP request, with what follows from its answer where something does, sent at its due ` +
      `instant over one of ${load.connections} connections that are kept alive (open loop). It ends with the last byte of the last answer.`,
    table(['Stage', 'Command or address', 'Variables'], rows),
  ].join('\n\n');
}

/** Beside the figures of the open loop, so that nobody takes the one for the other; '' where none was driven. */
export function renderClosedLoop({ blocks, closedLoop = [] }: RunResult): string {
  if (closedLoop.length === 0) return '';
  const rows = closedLoop.map((figures) => {
    const open = blocks.find(({ stage }) => stage === figures.stage);
    return [
      escapeText(figures.stage),
      formatCount(figures.connections),
      formatRate(figures.answeredPerSecond),
      formatUs(figures.p50Us),
      formatUs(figures.p95Us),
      `${formatCount(figures.failed)} failed, ${formatCount(figures.timedOut)} timed out`,
      open === undefined ? '' : `${formatUs(open.total.response.p95Us)} at ${formatRate(open.ratePerSecond)}`,
    ];
  });
  const figures = ['Connections', 'Answered', 'p50', 'p95', 'Errors', 'Open loop: p95'].map(toRight);
  return [
    '## Closed loop',
    'By autocannon: every connection asks again as soon as it has its answer, so a slow service is asked less often, and its ' +
      'latencies hold no waiting. They say what the service can do, and are not to be compared with those of the open loop.',
    table(['Stage', ...figures], rows),
  ].join('\n\n');
}

/** Whether the databases of the stages are known at all: a service that is not ours keeps its own to itself. */
export function hasDatabases({ server }: Pick<RunResult, 'server'>): boolean {
  return server.kind !== 'none';
}
