/** Plans that were carried out: summed up by what they are, drawn with what they found, and what a monitor makes of them. */
import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../src/observe/findings.ts';
import { summarisePlans, type Execution } from '../../src/observe/measured-plans.ts';
import { sumPlanChoices } from '../../src/observe/plan-choices.ts';
import { measuredStepsOf } from '../../src/observe/plan-tree.ts';
import type { MeasuredStep, StageEvidence } from '../../src/observe/record.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { quiet } from './evidence-fixture.ts';
import { buildResult } from './result-fixture.ts';

const seek: MeasuredStep = {
  depth: 0,
  node: 'Index Scan',
  relation: 'events',
  index: 'by_user',
  rows: 10,
  actualRows: 12,
  loops: 1,
  blocks: 6,
};
const scan: MeasuredStep = {
  depth: 0,
  node: 'Seq Scan',
  relation: 'events',
  rows: 5000,
  actualRows: 5200,
  loops: 1,
  blocks: 4100,
};

const execution = (step: MeasuredStep, label?: string): Execution => ({
  transaction: 'page',
  statement: 'list',
  steps: [step],
  ...(label === undefined ? {} : { class: label }),
});

describe('measuredStepsOf', () => {
  it('tells for each node what it found, how often, and the blocks that it touched', () => {
    const plan = {
      'Node Type': 'Limit',
      'Plan Rows': 10,
      'Actual Rows': 10,
      'Actual Loops': 1,
      'Shared Hit Blocks': 3,
      'Shared Read Blocks': 4,
      Plans: [{ 'Node Type': 'Seq Scan', 'Relation Name': 'events', 'Plan Rows': 99, 'Actual Loops': 0 }],
    };
    expect(measuredStepsOf(plan)).toEqual([
      { depth: 0, node: 'Limit', rows: 10, actualRows: 10, loops: 1, blocks: 7 },
      { depth: 1, node: 'Seq Scan', relation: 'events', rows: 99, actualRows: 0, loops: 0, blocks: 0 },
    ]);
  });
});

describe('summarisePlans', () => {
  it('keeps plans apart by their nodes, the most frequent first, and takes the means of what they did', () => {
    const found = summarisePlans([
      execution(scan, 'whale'),
      execution(seek, 'usual'),
      execution({ ...seek, rows: 20, actualRows: 2, blocks: 4 }, 'new'),
    ]);
    expect(found).toEqual([
      {
        transaction: 'page',
        statement: 'list',
        plans: [
          { executions: 2, classes: ['new', 'usual'], steps: [{ ...seek, rows: 15, actualRows: 7, blocks: 5 }] },
          { executions: 1, classes: ['whale'], steps: [scan] },
        ],
      },
    ]);
  });

  it('has no classes where the transaction has none', () => {
    expect(summarisePlans([execution(seek)])[0]!.plans).toEqual([{ executions: 1, steps: [seek] }]);
  });
});

describe('sumPlanChoices', () => {
  it('adds up what several connections tell of a statement', () => {
    const one = { transaction: 'page', statement: 'list' };
    expect(
      sumPlanChoices([
        { ...one, custom: 5, generic: 100 },
        { ...one, statement: 'count', custom: 1, generic: 0 },
        { ...one, custom: 6, generic: 1 },
      ]),
    ).toEqual([
      { ...one, custom: 11, generic: 101 },
      { ...one, statement: 'count', custom: 1, generic: 0 },
    ]);
  });
});

const evidence: StageEvidence = {
  ...quiet,
  plans: [
    {
      transaction: 'page',
      statement: 'list',
      steps: [{ depth: 0, node: 'Index Scan', relation: 'events', index: 'by_user', rows: 10 }],
    },
  ],
};

const measured = (...plans: MeasuredStep[][]): StageEvidence => ({
  ...evidence,
  measured: [
    {
      transaction: 'page',
      statement: 'list',
      plans: plans.map((steps) => ({ executions: 1, classes: ['whale'], steps })),
    },
  ],
});

const messages = (own: StageEvidence): string[] => findingsOf(own, []).map(({ message }) => message);

describe('findingsOf measured plans', () => {
  it('is content with estimates that hold', () => {
    expect(messages(measured([seek]))).toEqual([]);
  });

  it('names the lowest node that finds far more than was expected, where the error begins', () => {
    const join = { ...seek, node: 'Nested Loop', rows: 1, actualRows: 900 };
    const below = { ...seek, depth: 1, rows: 1, actualRows: 300 };
    expect(messages(measured([join, below]))).toEqual([
      'page.list finds 300 rows in Index Scan of by_user where its plan expects 1, for parameters that the planner knew.',
    ]);
  });

  it.each(['Limit', 'Merge Join', 'Nested Loop (semi)'])('expects nothing of what %s stops early', (node) => {
    const stopped = { ...scan, depth: 1, actualRows: 10 };
    expect(messages(measured([{ ...seek, node }, stopped]))).toEqual([]);
    // A neighbour above is no ancestor.
    expect(messages(measured([{ ...seek, node: 'Append' }, { ...seek, node, depth: 1 }, stopped]))).toHaveLength(1);
  });

  it('names statements of which one plan reads far more than another', () => {
    const found = messages(measured([seek], [scan]));
    expect(found).toEqual(['page.list has 2 plans for the parameters of the load: one reads 4,100 blocks, another 6.']);
  });
});

const rendered = async (...all: StageEvidence[]): Promise<string> => {
  const result = buildResult();
  for (const block of result.blocks) {
    block.planChoices = [{ transaction: 'page', statement: 'list', custom: 75, generic: 25 }];
  }
  return (await renderMarkdown({ ...result, evidence: all })).markdown;
};

describe('in the report', () => {
  const before: StageEvidence = {
    ...evidence,
    stage: 'before',
    plans: [
      { transaction: 'page', statement: 'list', steps: [{ depth: 0, node: 'Seq Scan', relation: 'events', rows: 9 }] },
    ],
  };

  it('draws what each node found beside what was expected of it', async () => {
    const loops = { ...seek, depth: 1, actualRows: 0.5, loops: 7 };
    const after = {
      ...measured([seek, loops, { ...seek, depth: 1, loops: 0 }]),
      plans: [{ transaction: 'page', statement: 'list', steps: [seek, loops, { ...seek, depth: 1 }] }],
    };
    const markdown = await rendered(before, after);
    expect(markdown).toContain('Index Scan using by_user on events, 10 rows expected, 12 found');
    expect(markdown).toContain('10 rows expected, 0.5 found in each of 7 loops');
    expect(markdown).toContain('10 rows expected, not needed');
  });

  it('lists statements whose plan depends on the parameters, with how often they are planned anew', async () => {
    const markdown = await rendered(before, measured([scan]));
    expect(markdown).toContain('1 statement whose plan depends on the parameters');
    expect(markdown).toContain(
      '| after | page.list | 75 % | events: index by_user | events: sequential scan (1×, whale) |',
    );
    // Plans that read the same way are told by their nodes.
    const sorted = [
      { ...seek, node: 'Sort', depth: 0 },
      { ...seek, depth: 1 },
    ].map(({ index, relation, ...step }, at) => (at === 0 ? step : { ...step, index, relation }));
    expect(await rendered(before, measured(sorted))).toContain(
      '| Index Scan by_user | Sort, Index Scan by_user (1×, whale) |',
    );
    expect(await rendered(before, measured([seek]))).not.toContain('depends on the parameters');
  });
});
