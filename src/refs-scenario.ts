/** One scenario out of two versions of it: "before" as it is at a git reference, "after" as it is in the working tree. */
import type { InvariantSpec, ScenarioSpec, StageSpec, TransactionBody } from './scenario.ts';

/** Where the earlier version is from. */
export interface RefSource {
  /** As the user named it, and the commit that it stands for. */
  ref: string;
  sha: string;
  /** Folders of the migrations, absolute. */
  beforeMigrations: string;
  afterMigrations: string;
}

/**
 * Both stages are the last of their version, each with its own migrations, statements and invariants. Seed, parameters, load and
 * thresholds are those of the working tree, so that both get the same data and the same arrivals. Claims are about other stages and
 * are left out.
 */
export function scenarioOfRefs(before: ScenarioSpec, after: ScenarioSpec, source: RefSource): ScenarioSpec {
  const { workload } = after;
  const { claims: _claims, ...rest } = after;
  return {
    ...rest,
    title: `${after.title}: ${source.ref} against the working tree`,
    workload: { ...workload, migrations: source.afterMigrations, invariants: joinedInvariants(before, after) },
    stages: [
      {
        ...lastStage(before),
        name: 'before',
        description: `${source.ref} (${source.sha.slice(0, 10)})`,
        migrationsFolder: source.beforeMigrations,
        rewrites: bodiesOf(before, Object.keys(workload.transactions)),
      },
      {
        ...lastStage(after),
        name: 'after',
        description: 'The working tree',
        rewrites: bodiesOf(after, Object.keys(workload.transactions)),
      },
    ],
  };
}

/** Which of its answers differ from the first stage of its own version says nothing here. */
function lastStage({ stages }: ScenarioSpec): StageSpec {
  const { answersDiffer: _answersDiffer, ...stage } = stages.at(-1)!;
  return stage;
}

/** How the last stage of a version carries out each transaction; what that version does not know is left to the other. */
function bodiesOf({ workload, stages }: ScenarioSpec, names: readonly string[]): Record<string, TransactionBody> {
  const { rewrites = {} } = stages.at(-1)!;
  return Object.fromEntries(
    names.flatMap((name) => {
      const body = rewrites[name] ?? workload.transactions[name];
      return body === undefined ? [] : [[name, bodyOf(body)]];
    }),
  );
}

/** A transaction without what only the transaction itself has: weight, parameters, classes. */
function bodyOf(body: TransactionBody): TransactionBody {
  return {
    statements: body.statements,
    run: (client, params) => body.run(client, params),
    ...(body.atomic === undefined ? {} : { atomic: body.atomic }),
    ...(body.isolation === undefined ? {} : { isolation: body.isolation }),
  };
}

/** Each version keeps its own; what both say in the same words is asked in both stages under one name. */
function joinedInvariants(before: ScenarioSpec, after: ScenarioSpec): Record<string, InvariantSpec> {
  const [earlier, later] = [lastInvariants(before), lastInvariants(after)];
  const joined: Record<string, InvariantSpec> = {};
  for (const [name, own] of Object.entries(later)) {
    const { stages: _stages, ...invariant } = own;
    joined[name] = earlier[name]?.sql === own.sql ? invariant : { ...own, stages: ['after'] };
  }
  for (const [name, own] of Object.entries(earlier)) {
    if (later[name]?.sql !== own.sql) joined[name in joined ? `${name}_before` : name] = { ...own, stages: ['before'] };
  }
  return joined;
}

function lastInvariants({ workload, stages }: ScenarioSpec): Record<string, InvariantSpec> {
  const last = stages.at(-1)!.name;
  const all = Object.entries(workload.invariants ?? {});
  return Object.fromEntries(all.filter(([, invariant]) => invariant.stages?.includes(last) ?? true));
}
