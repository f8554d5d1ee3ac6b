import { defineConfig } from 'vitest/config';
import { SkippedReporter } from './support/skipped-reporter.ts';

export default defineConfig({
  test: {
    include: ['cases/**/*.test.ts'],
    // One file at a time: clients measure time, and servers want a core for themselves.
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', new SkippedReporter()],
  },
});
