/** What CI reads of a run besides the exit code: JUnit XML, and what GitHub shows. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Option } from 'commander';
import { EnvironmentError, ExitCode, messageOf } from '../errors.ts';
import { annotationsOf, renderAnnotation, renderComment, renderJobSummary } from '../report/github.ts';
import { renderJUnit } from '../report/junit.ts';
import type { RunResult } from '../result.ts';
import type { CommandContext } from './context.ts';

export interface OutputFlags {
  junit?: string;
  comment?: string;
  github?: boolean;
  onInconclusive: 'fail' | 'warn';
}

export const outputOptions = () => [
  new Option('--junit <file>', 'write the gates as JUnit XML'),
  new Option('--comment <file>', 'write a comment for the pull request, in Markdown'),
  new Option('--github', 'job summary and annotations, as GitHub Actions takes them').conflicts('json'),
  new Option('--on-inconclusive <how>', 'whether missing evidence fails the job (exit code 3) or only warns (0)')
    .choices(['fail', 'warn'])
    .default('fail'),
];

/** Writes what was asked for. @throws EnvironmentError when a file cannot be written. */
export async function writeOutputs(result: RunResult, { junit, comment, github }: OutputFlags): Promise<void> {
  if (junit !== undefined) await written(junit, renderJUnit(result), writeFile);
  if (comment !== undefined) await written(comment, renderComment(result), writeFile);
  if (!github) return;
  for (const annotation of annotationsOf(result)) console.log(renderAnnotation(annotation));
  const summary = process.env['GITHUB_STEP_SUMMARY'];
  if (summary) await written(summary, await renderJobSummary(result), appendFile);
}

async function written(
  path: string,
  text: string,
  write: (path: string, text: string) => Promise<void>,
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await write(path, text);
  } catch (cause) {
    throw new EnvironmentError(`${path} could not be written: ${messageOf(cause)}.`, {
      hint: 'Name a file in a folder that is writable.',
      cause,
    });
  }
}

/** The graver of what the context has and what this result asks for. Missing evidence may count as a warning. */
export function noteExitCode(context: CommandContext, { verdict }: RunResult, { onInconclusive }: OutputFlags): void {
  const code = verdict?.exitCode ?? ExitCode.pass;
  if (code === ExitCode.inconclusive && onInconclusive === 'warn') {
    console.error('Warning: inconclusive, and --on-inconclusive warn lets it pass. Nothing was proved.');
    return;
  }
  context.exitCode = Math.max(context.exitCode, code);
}
