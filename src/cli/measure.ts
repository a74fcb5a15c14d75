/** What the commands that measure have in common: plan from flags, progress, the result at the end. */
import type { RunControl } from '../journal.ts';
import { planRun, type RunPlan, type RunRequest } from '../plan.ts';
import { withoutPasswords } from '../server/external/connection.ts';
import { renderSummary } from '../report/summary.ts';
import type { RunResult } from '../result.ts';
import type { LoadSpec } from '../scenario.ts';
import { readConfig, type CommandContext } from './context.ts';
import { dockerLimitsOf, type ServerFlags } from './server-options.ts';
import { openTerminal } from './terminal.ts';

/** Flags of every command that measures. */
export interface MeasureFlags extends ServerFlags {
  scale: number;
  seed: number;
  workers?: number;
  stages?: string[];
  out?: string;
  keepCoresAwake?: boolean;
  port?: number;
  json?: boolean;
}

/** Checks everything, lets `work` measure while the terminal shows how far it is, and prints what came of it. */
export function measure(
  request: { scenario: string; flags: MeasureFlags } & Pick<
    RunRequest,
    'load' | 'comparison' | 'slo' | 'gate' | 'beforeRef' | 'profile'
  >,
  context: CommandContext,
  work: (plan: RunPlan, control: RunControl) => Promise<RunResult>,
): Promise<RunResult> {
  const { scenario, flags, load, ...spec } = request;
  const asked = { ...spec, load: { ...load, ...awakeOf(flags) } };
  return measurePlanned({ scenario, flags }, context, (common) => planRun({ ...common, ...asked }), work);
}

/** What every measuring command may ask of the load. */
export function awakeOf({ keepCoresAwake }: Pick<MeasureFlags, 'keepCoresAwake'>): Pick<LoadSpec, 'keepCoresAwake'> {
  return keepCoresAwake === true ? { keepCoresAwake } : {};
}

/** What all of these commands plan from. */
type CommonRequest = Omit<RunRequest, 'load' | 'comparison' | 'slo' | 'gate' | 'beforeRef' | 'profile'>;

/** The same for what is planned in a way of its own. */
export async function measurePlanned<Plan extends { outDir: string }>(
  { scenario, flags }: { scenario: string; flags: MeasureFlags },
  context: CommandContext,
  planOf: (common: CommonRequest) => Promise<Plan>,
  work: (plan: Plan, control: RunControl) => Promise<RunResult>,
): Promise<RunResult> {
  const { scale, seed, workers, stages, out, port, server, pg, allowProduction } = flags;
  const { folder, config } = await readConfig(flags);
  const terminal = openTerminal(context.signal);
  try {
    const plan = await planOf({
      scenario,
      folder,
      config,
      command: givenCommand(),
      scale,
      seed,
      workers,
      stages,
      out,
      port,
      server,
      docker: dockerLimitsOf(flags),
      pg,
      allowProduction,
    });
    const result = await work(plan, { signal: context.signal, onEvent: (event) => terminal.onEvent(event) });
    terminal.close();
    printResult(result, plan.outDir, flags);
    return result;
  } finally {
    terminal.close();
  }
}

/** What was typed, without passwords. */
export function givenCommand(): string {
  return withoutPasswords(['pgrehearse', ...process.argv.slice(2)].join(' '));
}

/** The result for a program (`--json`) or in short for people, with the place of the report where there is one. */
export function printResult(
  result: RunResult,
  outDir: string | undefined,
  { json }: { json?: boolean | undefined },
): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const color = process.stdout.isTTY && process.stdout.hasColors() && !process.env['NO_COLOR'];
  const columns = process.stdout.columns || 100;
  const report = outDir === undefined ? '' : `Report: ${outDir}/report.md\n`;
  process.stdout.write(`\n${renderSummary(result, { color, columns })}\n${report}`);
}
