import { defineConfig } from 'rolldown';

/**
 * One file without what the agent never calls: the Kubernetes client's generated models alone would
 * cost 60 MB of resident memory. Modules are free of side effects apart from their entry, which lets
 * the bundler drop them.
 */
export default defineConfig({
  input: 'src/main.ts',
  platform: 'node',
  treeshake: { moduleSideEffects: false },
  output: { file: 'dist/nodeop-agent.js', format: 'esm', codeSplitting: false },
});
