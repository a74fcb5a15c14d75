/** What a monitor would say of each stage, in report.md. */
import { findingsOf } from '../observe/findings.ts';
import type { RunResult } from '../result.ts';
import { escapeText, table } from './markdown-text.ts';

/** '' where there is nothing to say. */
export function findings({ evidence = [], stages }: RunResult): string {
  const rows = evidence.flatMap((own) => {
    const relations = stages.find(({ name }) => name === own.stage)?.relations ?? [];
    return findingsOf(own, relations).map(({ message, advice }) => [own.stage, message, advice].map(escapeText));
  });
  return rows.length === 0 ? '' : `### To look at\n\n${table(['Stage', 'Found', 'Next step'], rows)}`;
}
