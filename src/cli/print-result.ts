/** What is printed at the end of a command that measured. */
import { renderSummary } from '../report/summary.ts';
import type { RunResult } from '../result.ts';

/** The result for a program (`--json`) or in short for people, with the place of the report. */
export function printResult(result: RunResult, outDir: string, { json }: { json?: boolean }): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const color = process.stdout.isTTY && process.stdout.hasColors() && !process.env['NO_COLOR'];
  const columns = process.stdout.columns || 100;
  process.stdout.write(`\n${renderSummary(result, { color, columns })}\nReport: ${outDir}/report.md\n`);
}
