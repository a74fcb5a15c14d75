/** What the workload asked of each stage's database after the load, in report.md. */
import type { Reading, RunResult } from '../result.ts';
import { formatReading } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/** A row for each reading, a column for each stage; nothing where none was taken. */
export function readings({ readings: taken = [] }: RunResult): string {
  if (taken.length === 0) return '';
  const stages = [...new Set(taken.map(({ stage }) => stage))];
  const names = [...new Set(taken.map(({ name }) => name))];
  const rows = names.map((name) => {
    const ofName = taken.filter((reading) => reading.name === name);
    const cells = stages.map((stage) => cell(ofName.find((reading) => reading.stage === stage)));
    return [escapeText(ofName[0]!.description)].concat(cells);
  });
  const header = ['Right after the load', ...stages.map((stage) => toRight(escapeText(stage)))];
  return ['## Readings', table(header, rows)].join('\n\n');
}

function cell(reading: Reading | undefined): string {
  if (reading === undefined) return '';
  if (reading.value === undefined) return `failed: ${escapeText(reading.error ?? '')}`;
  return formatReading(reading.value, reading.unit);
}
