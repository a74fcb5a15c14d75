import { expect, it } from 'vitest';
import { conditionsOf } from '../../src/conditions.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { runResultSchema } from '../../src/result-schema.ts';
import type { LoadSpec } from '../../src/scenario.ts';
import { buildResult } from './result-fixture.ts';

/** As it stands in the report and as runs are held against each other. */
async function described(change: Partial<LoadSpec>): Promise<{ report: string; condition: string }> {
  const result = buildResult();
  // What is read back from a file says the same as what was measured.
  const stored = runResultSchema.parse(JSON.parse(JSON.stringify({ ...result, load: { ...result.load, ...change } })));
  const read = { ...result, load: stored.load };
  const condition = conditionsOf(read).find(({ name }) => name === 'load')!.value;
  const { markdown } = await renderMarkdown(read);
  return { report: markdown.match(/^\| Load \|.*$/m)![0], condition };
}

it.each<[what: string, change: Partial<LoadSpec>, report: RegExp, condition: RegExp]>([
  ['cores that were kept awake', { keepCoresAwake: true }, /idle cores were kept awake/, /idle cores kept awake/],
  ['statements that are not prepared', { prepared: false }, /parsed each time/, /not prepared/],
  [
    'a ramp',
    {
      shape: [
        { at: 0, rate: 1 },
        { at: 0.5, rate: 3 },
      ],
    },
    /the rate is a mean, its shape 1 at 0 %, 3 at 50 %/,
    /shape 1 at 0 %, 3 at 50 %/,
  ],
])('tells %s', async (_, change, report, condition) => {
  const [changed, plain] = [await described(change), await described({})];
  expect(changed.report).toMatch(report);
  expect(changed.condition).toMatch(condition);
  expect(plain.report).not.toMatch(report);
  expect(plain.condition).not.toMatch(condition);
});
