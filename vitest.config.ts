import { defineConfig } from 'vitest/config';

const ringOne = {
  // Only what hangs is to end: a busy machine takes ten times as long as a quiet one.
  testTimeout: 600_000,
  pool: 'threads',
  // Also what a test that fails has replaced.
  restoreMocks: true,
  setupFiles: ['./packages/gateway/test/support/properties.ts'],
} as const;

const ringTwo = { testTimeout: 120_000, hookTimeout: 120_000 } as const;
const artefacts = ['packages/*/test/interop/{package,runtimes,release,image,executables}.test.ts'];

export default defineConfig({
  test: {
    // Left to itself it leaves a core free, which on two cores is half of them.
    maxWorkers: '100%',
    reporters: ['default', './packages/gateway/test/support/skipped-reporter.ts'],
    projects: [
      {
        test: {
          ...ringOne,
          name: 'unit',
          globalSetup: ['./packages/gateway/test/support/one-file.ts'],
          include: ['packages/*/test/**/*.test.ts'],
          exclude: ['packages/*/test/interop/**', 'packages/client/**'],
          // A thread for each core goes through many files: what they import is loaded, and compiled where it is hot, once.
          // So a file must leave nothing behind.
          isolate: false,
        },
      },
      {
        test: {
          ...ringOne,
          name: 'client',
          include: ['packages/client/test/**/*.test.ts'],
          exclude: ['packages/*/test/interop/**'],
          // What is under way the client counts for all of a page, so each file is a page of its own.
          isolate: true,
        },
      },
      {
        test: {
          ...ringTwo,
          name: 'interop-artefacts',
          include: artefacts,
          // They build the program anew, which all others run: so they go alone.
          fileParallelism: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...ringTwo,
          name: 'interop',
          include: ['packages/*/test/interop/**/*.test.ts'],
          exclude: artefacts,
          // Most of them wait, for leases and scrape intervals.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'crash',
          include: ['packages/*/test/crash/*.crash.ts'],
          testTimeout: 3_600_000,
          disableConsoleIntercept: true,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'hostile',
          include: ['packages/*/test/hostile/*.hostile.ts'],
          testTimeout: 3_600_000,
          disableConsoleIntercept: true,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['packages/*/test/fuzz/*.fuzz.ts'],
          disableConsoleIntercept: true,
        },
      },
    ],
  },
});
