import { defineConfig } from 'vitest/config';

/** The suites that may run on a cluster of flesh and blood: the one KUBECONFIG names. */
export default defineConfig({
  test: {
    include: [
      'test/conformance/**/*.test.ts',
      'test/cluster/**/*.test.ts',
      'test/drain/differential.test.ts',
    ],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000, interval: 200 } },
  },
});
