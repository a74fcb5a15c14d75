import { describe, expect, it } from 'vitest';
import { Journal } from '../../src/journal.ts';
import { repeatIfLate } from '../../src/repeat-late.ts';
import type { Block, RunResult } from '../../src/result.ts';
import { buildResult } from './result-fixture.ts';

const host = { stealShare: 0, foreignCores: 1.5 };

/** A journal without records, and a stage whose block is late by so much at p99, one figure for each time it is rehearsed. */
function rehearsalOf(...latenessP99Us: number[]) {
  const full = buildResult();
  const { blocks, stages } = structuredClone(full);
  const invariants: RunResult['invariants'] = [];
  const notes: string[] = [];
  const journal = new Journal({ ...full, blocks: [], stages: [], invariants, answers: [], readings: [] }, '', {
    onEvent: (event) => void (event.type === 'note' && notes.push(event.text)),
  });
  const stage = stages.at(-1)!.name;
  let rehearsed = 0;
  const rehearse = async (): Promise<number> => {
    const block: Block = structuredClone(blocks.at(-1)!);
    Object.assign(block, { stage, outcome: 'complete' });
    block.generator.lateness.p99Us = latenessP99Us[rehearsed]!;
    block.host = host;
    const holds = { name: 'balance', description: '', stage, when: 'seeded', holds: true, durationMs: 1 } as const;
    journal.result.stages.push(stages.at(-1)!);
    journal.result.invariants.push({ ...holds });
    journal.result.readings!.push({ stage, name: 'size', description: '', unit: 'bytes', value: rehearsed });
    journal.result.blocks.push(block);
    return ++rehearsed;
  };
  return { journal, notes, run: () => repeatIfLate(stage, journal, rehearse), stage };
}

describe('repeatIfLate', () => {
  it('leaves a stage alone whose generator was punctual', async () => {
    const { journal, notes, run } = rehearsalOf(900);
    expect(await run()).toBe(1);
    expect(journal.result.discarded).toBeUndefined();
    expect(notes).toEqual([]);
  });

  it('rehearses a stage again whose generator was late, and keeps the records of the second time and what was discarded', async () => {
    const { journal, notes, run, stage } = rehearsalOf(103_000, 900);
    expect(await run()).toBe(2);
    const { result } = journal;
    expect(result.blocks.map(({ generator }) => generator.lateness.p99Us)).toEqual([900]);
    expect(result.stages.map(({ name }) => name)).toEqual([stage]);
    expect(result.invariants).toHaveLength(1);
    expect(result.readings).toMatchObject([{ value: 1 }]);
    expect(result.discarded).toMatchObject([{ stage, latenessP99Us: 103_000, host }]);
    expect(notes).toEqual([expect.stringContaining(`${stage} is rehearsed once more: the load generator was late`)]);
  });

  it('does so once: what is late again is for the gate to refuse', async () => {
    const { journal, run } = rehearsalOf(103_000, 70_000, 900);
    expect(await run()).toBe(2);
    expect(journal.result.blocks.map(({ generator }) => generator.lateness.p99Us)).toEqual([70_000]);
    expect(journal.result.discarded).toHaveLength(1);
  });

  it('leaves the records of other stages where they are', async () => {
    const { journal, run, stage } = rehearsalOf(103_000, 900);
    const other = buildResult();
    journal.result.blocks.push(other.blocks[0]!);
    journal.result.stages.push(other.stages[0]!);
    await run();
    expect(other.blocks[0]!.stage).not.toBe(stage);
    expect(journal.result.blocks.map((block) => block.stage)).toEqual([other.blocks[0]!.stage, stage]);
    expect(journal.result.stages.map(({ name }) => name)).toEqual([other.stages[0]!.name, stage]);
  });
});
