import { defineConfig } from 'vitest/config';

/** The page in a real browser: `npm run test:browser`. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    env: { KUBECONFIG: '' },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 50 } },
    // One browser is enough for one machine.
    fileParallelism: false,
  },
});
