import { describe, expect, it } from 'vitest';
import { renderCharts } from '../../src/report/charts.ts';
import type { Block, RunResult } from '../../src/result.ts';
import { buildResult, calmAfter, hostileName, saturatedBefore } from './result-fixture.ts';
import type { StageBehaviour } from './result-fixture.ts';
import { xmlFaults } from './xml.ts';

function slowStage(stage: string): StageBehaviour {
  return { ...calmAfter, stage, missShare: () => 0.2, p95Us: () => 80_000, serviceUs: () => 20_000 };
}

/** The fixture's result with the same change in all of its blocks. */
function withBlocks(change: Partial<Block>): RunResult {
  const result = buildResult();
  for (const block of result.blocks) Object.assign(block, change);
  return result;
}

function chartsOf(behaviours: StageBehaviour[]): Record<string, string> {
  return renderCharts(buildResult(behaviours));
}

/** The text that a chart shows. */
function textOf(svg: string): string {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text).join('\n');
}

describe('renderCharts', () => {
  it.each<[string, RunResult]>([
    ['a saturated and a calm stage', buildResult()],
    ['two calm stages', buildResult([slowStage('before'), calmAfter])],
    ['one stage', buildResult([calmAfter])],
    ['one saturated stage', buildResult([saturatedBefore])],
    ['a stage of one second', buildResult([{ ...calmAfter, seconds: 1 }])],
    ['a stage without a block', { ...buildResult(), blocks: buildResult().blocks.slice(1) }],
    ['latencies of zero', buildResult([{ ...calmAfter, p95Us: () => 0, serviceUs: () => 0 }])],
    ['transactions that never occurred', withBlocks({ transactions: [] })],
  ])('draws %s as well-formed SVG of finite figures', (_, result) => {
    const charts = renderCharts(result);
    expect(Object.keys(charts)).toEqual([
      'latency-by-transaction.svg',
      'latency-percentiles.svg',
      'latency-over-time.svg',
      'throughput.svg',
    ]);
    for (const svg of Object.values(charts)) {
      expect(xmlFaults(svg)).toEqual([]);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toMatch(/^<svg /);
    }
  });

  it('adds p95 by stage to a ladder of more than two, saturated ones by their service time', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const charts = chartsOf([saturatedBefore, ...names.map((stage) => slowStage(stage))]);
    const svg = charts['latency-by-stage.svg']!;
    for (const chart of Object.values(charts)) expect(xmlFaults(chart)).toEqual([]);
    const text = textOf(svg);
    for (const label of [
      'before',
      ...names,
      'response time',
      'service time of stages that were saturated',
      '7.12 ms',
    ]) {
      expect(text).toContain(label);
    }
  });

  it.each([
    ['no block', { ...buildResult(), blocks: [] }],
    ['no second', withBlocks({ timeline: [] })],
    ['no stage', buildResult([])],
  ])('draws nothing of %s', (_, result) => expect(renderCharts(result)).toEqual({}));

  it('is the same every time', () => {
    expect(chartsOf([saturatedBefore, calmAfter])).toEqual(chartsOf([saturatedBefore, calmAfter]));
  });

  it('has transparent ground and the colours of both ends', () => {
    for (const svg of Object.values(chartsOf([saturatedBefore, calmAfter]))) {
      expect(svg).not.toMatch(/fill="(?:#fff|white|#ffffff)"/i);
      expect(svg).toContain('#d97706');
      expect(svg).toContain('#2f81f7');
    }
  });

  it('names stages, transactions, units and the limit', () => {
    const charts = chartsOf([saturatedBefore, calmAfter]);
    const text = textOf(charts['latency-by-transaction.svg']!);
    for (const part of ['all transactions', 'dashboard', 'retry_poll', 'limit 50 ms', '10 ms', '1 s'])
      expect(text).toContain(part);
    expect(text).toContain('before (service time: it was saturated)');
    expect(text).toContain('after (response time)');
    expect(textOf(charts['latency-over-time.svg']!)).toContain('before (saturated: lower bounds)');
    for (const part of ['1,000/s', 'before (saturated, held 14.2/s)'])
      expect(textOf(charts['throughput.svg']!)).toContain(part);
  });

  it('shows the figures of the result beside the dots', () => {
    const result = buildResult();
    const text = textOf(renderCharts(result)['latency-by-transaction.svg']!);
    expect(text).toContain('7.12 ms');
    expect(result.blocks[1]!.total.response.p95Us).toBe(7124);
  });

  it('keeps hostile names harmless', () => {
    const result = buildResult();
    for (const transaction of [
      result.scenario.transactions[0]!,
      ...result.blocks.map((block) => block.transactions[0]!),
    ]) {
      transaction.name = hostileName;
    }
    for (const part of [result.stages[0]!, result.blocks[0]!])
      Object.assign(part, part === result.stages[0] ? { name: hostileName } : { stage: hostileName });
    for (const svg of Object.values(renderCharts(result))) {
      expect(xmlFaults(svg)).toEqual([]);
      expect(svg).not.toContain('<script');
    }
  });
});

it.each([
  '<a><b></a></b>',
  '<a>1 < 2</a>',
  '<a x="1" x="2"/>',
  '<a x="Arial, "Sans""/>',
  '<a>R&D</a>',
  '<a>\u0000</a>',
  '<a>',
])('the check of XML itself finds a fault in %j', (xml) => {
  expect(xmlFaults('<a x="1">&amp;&#60;<b/></a>')).toEqual([]);
  expect(xmlFaults(xml)).not.toEqual([]);
});
