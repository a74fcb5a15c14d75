/** What squawk, a linter of PostgreSQL migrations (squawkhq.com), says of them, where the user has it: we neither bring nor fetch it. */
import { execa } from 'execa';
import { z } from 'zod';
import type { Migration } from '../migrate.ts';
import type { MigrationScript } from '../migrate/script.ts';
import { fileIn } from './place.ts';
import type { Finding, SquawkUse } from './record.ts';

/** What squawk found, or why it found nothing. */
export interface SquawkReading {
  use: SquawkUse;
  findings: Finding[];
}

/** A file of migrations takes milliseconds. */
const longestMs = 20_000;

/** The rules that a load can bear out: all others are of taste, or about what no client feels. True: it may break statements that run already. */
const decidedByLoad = new Map<string, boolean>([
  ['adding-field-with-default', false],
  ['adding-foreign-key-constraint', false],
  ['adding-not-nullable-field', false],
  ['adding-required-field', true],
  ['adding-serial-primary-key-field', false],
  ['ban-alter-domain-with-add-constraint', false],
  ['ban-drop-column', true],
  ['ban-drop-table', true],
  ['ban-truncate-cascade', false],
  ['changing-column-type', true],
  ['constraint-missing-not-valid', false],
  ['disallowed-unique-constraint', false],
  ['renaming-column', true],
  ['renaming-table', true],
  ['require-concurrent-index-creation', false],
  ['require-concurrent-index-deletion', false],
  ['require-concurrent-reindex', false],
  ['require-lock-timeout', false],
  ['require-timeout-settings', false],
]);

/** Rules that ask for a lock_timeout, which our runner sets on its session where it is asked to. */
const ofLockTimeout = new Set(['require-lock-timeout', 'require-timeout-settings']);

/** Its JSON reporter, as of version 2: lines count from 0. */
const reported = z.array(
  z.object({
    line: z.number(),
    level: z.string(),
    message: z.string(),
    help: z.string().nullish(),
    rule_name: z.string(),
  }),
);

/**
 * Lints the up scripts as the server will be sent them. squawk is looked for in `node_modules/.bin` of the folder and of those above it, then
 * on PATH; a `.squawk.toml` of the folder counts.
 *
 * @param major of the server that they are for
 * @param setsLockTimeout whether the runner sets a lock_timeout, which squawk cannot see
 * @returns never throws: a rehearsal does without it, and says why
 */
export async function askSquawk(
  migrations: readonly Migration[],
  { folder, major, setsLockTimeout }: { folder: string; major: number; setsLockTimeout: boolean },
): Promise<SquawkReading> {
  const run = (flags: readonly string[], input = '') =>
    execa('squawk', flags, {
      preferLocal: true,
      localDir: folder,
      cwd: folder,
      input,
      reject: false,
      timeout: longestMs,
    });
  const { code, exitCode, stdout, stderr } = await run(['--version']);
  if (code === 'ENOENT') return { use: { absent: notFound }, findings: [] };
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0];
  if (exitCode !== 0 || version === undefined) return { use: { absent: broken(exitCode, stderr) }, findings: [] };
  const findings: Finding[] = [];
  for (const { up } of migrations) {
    const file = fileIn(folder, up.path);
    // Through its input, since a path would be taken for a pattern, and a file may hold the way back as well.
    const flags = ['--reporter=json', `--pg-version=${major}`, `--stdin-filepath=${file}`];
    const told = await run([...flags, `--${up.transactional ? '' : 'no-'}assume-in-transaction`], up.text);
    const found = readFindings(told.stdout, { file, script: up });
    if (found === undefined) return { use: { absent: broken(told.exitCode, told.stderr) }, findings: [] };
    findings.push(...found.filter(({ name }) => !setsLockTimeout || !ofLockTimeout.has(name ?? '')));
  }
  return { use: { version }, findings };
}

const notFound =
  'squawk was not found beside the project or on PATH; `npm install --save-dev squawk-cli` adds its warnings.';

function broken(exitCode: number | undefined, said: string): string {
  const [line = ''] = said.trim().split('\n');
  return `squawk ended with code ${exitCode ?? 'unknown'} and without a report${line === '' ? '' : `: ${line.slice(0, 200)}`}.`;
}

/**
 * Findings of its JSON report at the statements that they are in; undefined for what is no report.
 *
 * @param script the text that was linted
 */
export function readFindings(
  output: string,
  { file, script }: { file: string; script: Pick<MigrationScript, 'statements'> },
): Finding[] | undefined {
  const report = reported.safeParse(jsonOf(output));
  if (!report.success) return undefined;
  return report.data.map(({ line, message, help, rule_name: name }) => {
    const breaks = decidedByLoad.get(name);
    return {
      file,
      line: statementLine(script, line + 1),
      rule: message,
      advice: help ?? '',
      by: 'squawk' as const,
      name,
      ...(breaks === true ? { breaksStatements: true as const } : {}),
      ...(breaks === undefined ? { unmeasured: true as const } : {}),
    };
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Line of the statement that the line is in: our own findings and the measurement are by statement. */
function statementLine({ statements }: Pick<MigrationScript, 'statements'>, line: number): number {
  return statements.findLast((statement) => statement.line <= line)?.line ?? line;
}
