/** Budgets of a scenario: limits that a person wrote, checked before anything starts. */
import { describe, expect, it } from 'vitest';
import { checkScenario } from '../../src/scenario-check.ts';
import shop from '../fixtures/shop.ts';

const check = (budgets: object): Promise<void> => checkScenario({ ...shop, budgets }, 'test/fixtures/shop.ts');

describe('budgets', () => {
  it('may be few, and zero', async () => {
    await expect(check({})).resolves.toBeUndefined();
    await expect(check({ maxStallMs: 0, maxFailed: 0, maxReplicaLagMs: 1.5 })).resolves.toBeUndefined();
  });

  it.each([
    ['below zero', { maxStallMs: -1 }, /maxStallMs/],
    ['a text', { maxBlockedMs: '5s' }, /maxBlockedMs/],
    ['half a transaction', { maxFailed: 0.5 }, /maxFailed/],
    ['one that there is not', { maxStall: 500 }, /maxStall/],
  ])('are refused: %s', async (_, budgets, says) => {
    await expect(check(budgets)).rejects.toThrow(says);
  });
});
