import { describe, expect, it } from 'vitest';
import { hostLoadBetween, sampleHost } from '../../src/observe/host.ts';
import type { HostSample } from '../../src/observe/host.ts';

const sample = (
  atMs: number,
  processes: [pid: number, parent: number, ticks: number][],
  { totalTicks = 0, stealTicks = 0 } = {},
): HostSample => ({
  atMs,
  totalTicks,
  stealTicks,
  processes: new Map(processes.map(([pid, parent, ticks]) => [pid, { ticks, parent }])),
});

describe('hostLoadBetween', () => {
  it('counts what is neither ours nor descends from us, in cores', () => {
    const earlier = sample(0, [
      [10, 1, 50],
      [11, 10, 50],
      [20, 1, 500],
    ]);
    const later = sample(2000, [
      [10, 1, 150],
      [11, 10, 250],
      [20, 1, 520],
    ]);
    // 20 ticks of a hundredth of a second each, in two seconds.
    expect(hostLoadBetween(earlier, later, new Set([10])).foreignCores).toBeCloseTo(0.1);
  });

  it('counts a process that is new, and one that has the number of an older one', () => {
    const earlier = sample(0, [[20, 1, 900]]);
    const later = sample(1000, [
      [20, 1, 30],
      [21, 1, 20],
    ]);
    expect(hostLoadBetween(earlier, later, new Set([10])).foreignCores).toBeCloseTo(0.5);
  });

  it('tells stolen time as a share of all', () => {
    const earlier = sample(0, [], { totalTicks: 1000, stealTicks: 10 });
    const later = sample(1000, [], { totalTicks: 1200, stealTicks: 30 });
    expect(hostLoadBetween(earlier, later, new Set()).stealShare).toBeCloseTo(0.1);
  });

  it('survives two looks at the same moment', () => {
    const same = sample(5, [[20, 1, 1]]);
    expect(hostLoadBetween(same, same, new Set())).toEqual({ stealShare: 0, foreignCores: 0 });
  });
});

describe.runIf(process.platform === 'linux')('sampleHost', () => {
  it('sees this process and its work', () => {
    const earlier = sampleHost()!;
    const until = performance.now() + 120;
    while (performance.now() < until) Math.hypot(until, performance.now());
    const later = sampleHost()!;
    expect(later.totalTicks).toBeGreaterThan(earlier.totalTicks);
    expect(later.processes.get(process.pid)!.ticks).toBeGreaterThan(earlier.processes.get(process.pid)!.ticks);
  });
});
