/** Says which tests were skipped, and why: the reason that was given, or the name of the test, which then has it. */
import process from 'node:process';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  #isFiltered = false;

  onInit(vitest: Vitest): void {
    // By name: then nearly all are skipped, and nobody wants to read it.
    this.#isFiltered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#isFiltered) return;
    for (const { relativeModuleId, children } of modules) {
      for (const test of children.allTests('skipped')) {
        process.stdout.write(`skipped: ${relativeModuleId} > ${test.fullName}${reasonOf(test)}\n`);
      }
    }
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  return 'note' in result && result.note !== undefined ? `: ${result.note}` : '';
}
