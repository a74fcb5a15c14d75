import { defineConfig } from 'vitest/config';

// Tests import the package by its own name as users do; the condition makes that name mean the sources.
const conditions = ['pgrehearse-source', 'node'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
};
const execArgv = ['--conditions=pgrehearse-source'];

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        // Simulations take a second or two, and more where the integration tests have the processor.
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], execArgv, testTimeout: 30_000 },
      },
      {
        ...shared,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          execArgv,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          execArgv,
          // Real servers, with time to start; most of the time the load waits for its arrivals.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          // A shared machine stands still for a second now and then. What passes at the second try only is marked ("retry x1") and counted by CI.
          retry: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
