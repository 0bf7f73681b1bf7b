/**
 * Unit tests; bad input of every kind (`make fuzz`); whole lives of builds, simulated (`make chaos`); and the contract,
 * which drives a whole platform by HTTP alone. `e2e` is the contract once more, on a cluster, with what only a cluster
 * shows: `make e2e`. Both run the calls a second time, with `DELIVERY=own` in the environment: then every function that
 * they build has a Trigger of its own.
 */
import { defineConfig } from 'vitest/config';

const DISTURBED = [
  'test/e2e/disturbances.test.ts',
  'test/e2e/disturbed-calls.test.ts',
  'test/e2e/registry-outage.test.ts',
];

const report = process.env['VITEST_JSON'];

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    // Most tests wait for processes and timers, not for a core.
    maxWorkers: 4,
    // What e2e leaves behind goes one function at a time.
    teardownTimeout: 120_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/languages/**/*.test.ts'],
          // Only to end what hangs: on a busy machine a property test of a second takes half a minute.
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          // Ten seconds on an idle machine.
          testTimeout: 1_200_000,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: ['test/contract/platform.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'contract-own',
          include: ['test/contract/calls.test.ts'],
          globalSetup: ['test/contract/platform.ts'],
          env: { DELIVERY: 'own' },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          // The platform once more, where every event must be signed.
          name: 'attacks',
          include: ['test/attacks/**/*.test.ts'],
          globalSetup: ['test/attacks/platform.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          // The page in a real browser: skipped where the machine has none.
          name: 'page',
          include: ['test/page/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/contract/**/*.test.ts', 'test/attacks/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: ['test/e2e/permissions.test.ts', ...DISTURBED],
          globalSetup: ['test/e2e/setup.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          maxConcurrency: 3,
        },
      },
      {
        test: {
          // Of its own: nothing else can run while it breaks the cluster.
          name: 'disturbed',
          include: DISTURBED,
          globalSetup: ['test/e2e/setup.ts'],
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          // After `e2e`, in a run of its own: it looks at what that one made the functions do.
          name: 'permissions',
          include: ['test/e2e/permissions.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
