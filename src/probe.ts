/** What each read costs by itself, before and after: the serial latency of every stage's transactions, without any load. */
import type { RunControl } from './journal.ts';
import { coresFor } from './load/idle-cores.ts';
import { probeStage } from './load/probe.ts';
import type { RunPlan } from './plan.ts';
import { onStage, rehearse } from './rehearsal.ts';
import { formatPlural } from './report/format.ts';
import type { ProbeFigures, RunResult } from './result.ts';

export interface ProbeControl extends RunControl {
  /** Measured time of each transaction and class of parameters in each stage. Default 2 s. */
  budgetMs?: number;
}

/**
 * Times the read transactions of every stage of the plan, one at a time. There is no verdict: nothing is promised of a single query.
 *
 * @returns the result, also when the signal interrupted the probe (status `interrupted`)
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export function probe(plan: RunPlan, control: ProbeControl = {}): Promise<RunResult> {
  const { budgetMs } = control;
  const all: ProbeFigures[] = [];
  return rehearse(plan, control, { probe: all }, async (rehearsal) => {
    const { journal, stages } = rehearsal;
    for (const stage of stages) {
      const { load, spec } = stage.planned;
      const { name } = spec;
      await onStage(stage, rehearsal, async ({ route }) => {
        await journal.part({ name: 'measure', title: 'Time every read by itself', stage: name }, async () => {
          using resources = new DisposableStack();
          resources.use(coresFor(load));
          const figures = await probeStage({
            scenarioFile: plan.scenarioFile,
            stage: name,
            ...route,
            seed: plan.seed,
            scale: plan.scale,
            statementTimeoutMs: load.statementTimeoutMs,
            prepared: load.prepared ?? true,
            ...(budgetMs === undefined ? {} : { budgetMs }),
            signal: journal.signal,
            onTransaction: (transaction, done, total) => journal.progress(transaction, done / total),
          });
          all.push(...figures);
          return { detail: formatPlural(figures.length, 'group of parameters', 'groups of parameters') };
        });
      });
      await journal.save();
    }
  });
}
