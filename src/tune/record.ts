/** What `pgrehearse tune` found: a part of the RunResult. */
import type { ComparisonOutcome } from '../verdict/record.ts';

/** A setting of a profile as the report shows it. */
export interface TunedSetting {
  name: string;
  value: string;
  reason: string;
  source?: string;
}

/**
 * One comparison: the whole profile beside the profile without some of its settings. Its outcome is of p95 without them over p95 of the
 * whole profile: `fail` is a proof that they are needed, `pass` that they are not.
 */
export interface TuningStep extends ComparisonOutcome {
  /** `profile`: all of its settings dropped; `group`: those that belong together; `minimal`: everything that may go, at once. */
  kind: 'profile' | 'group' | 'minimal';
  /** Of the group, as in "work_mem"; else what the kind means. */
  name: string;
  /** Names of the settings that were dropped. */
  dropped: string[];
}

export interface Tuning {
  stage: string;
  profile: string;
  /** All settings of the profile that were in question, by group. */
  groups: { name: string; settings: TunedSetting[] }[];
  /** Names of the groups that were to be tried one by one; the others stay in. */
  asked: string[];
  steps: TuningStep[];
}
