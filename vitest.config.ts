import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores are the floor; live sessions want one for themselves.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
