/** A verdict as JUnit XML: a test case for each gate, so that CI shows which one failed. */
import type { Gate, RunResult } from '../result.ts';
import { judge } from '../verdict.ts';

/**
 * One test suite. A gate that passes is a passed test, one that fails a failure, an invalid measurement an error; what is not
 * decided is skipped with the reason, never a plain pass. Gates that only advise pass, with the reason as output.
 */
export function renderJUnit(result: RunResult): string {
  const { gates } = result.verdict ?? judge(result);
  const cases = gates.map((gate) => testCase(result.scenario.name, gate));
  const count = (outcome: Gate['outcome']): number =>
    gates.filter((gate) => gate.advisory !== true && gate.outcome === outcome).length;
  const seconds = (Date.parse(result.finishedAt ?? result.startedAt) - Date.parse(result.startedAt)) / 1000;
  const attributes = {
    name: `pgrehearse ${result.scenario.name}`,
    tests: gates.length,
    failures: count('fail'),
    errors: count('invalid'),
    skipped: count('inconclusive'),
    time: seconds,
    timestamp: result.startedAt,
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    element('testsuite', attributes, cases.join('\n')),
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(scenario: string, gate: Gate): string {
  const name = gate.transaction === undefined ? gate.name : `${gate.name}: ${gate.transaction}`;
  return element('testcase', { classname: `pgrehearse.${scenario}`, name }, told(gate));
}

function told({ outcome, reason, advisory }: Gate): string {
  if (outcome === 'pass' || advisory === true) return `<system-out>${escapeXml(reason)}</system-out>`;
  const kind = { fail: 'failure', invalid: 'error', inconclusive: 'skipped' }[outcome];
  return element(kind, { message: reason }, '');
}

function element(name: string, attributes: Record<string, string | number>, content: string): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`);
  return content === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>\n${content}\n</${name}>`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Text that XML can hold: control characters have no place in it, escaped or not. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n\r]|[\uFFFE\uFFFF]/gu, ' ')
    .replace(/[&<>"']/g, (character) => entities[character]!);
}
