import type { Reporter, TestModule } from 'vitest/node';

/** Says what did not run, and why: a line each. */
export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const note = result.state === 'skipped' ? result.note : undefined;
        console.log(`skipped  ${test.fullName}: ${note ?? 'no reason given'}`);
      }
    }
  }
}
