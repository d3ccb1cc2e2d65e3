import { defineConfig, type Plugin, rolldown } from 'rolldown';
import { bundlePage } from './src/page/bundle.ts';

/**
 * The agent is one file, and the thread that evaluates expressions a program of its own: the bundle of that lies in the agent's
 * as a text.
 */
const celWorker: Plugin = {
  name: 'cel-worker',
  async load(id) {
    if (!id.endsWith('/src/cel/worker-source.ts')) return undefined;
    const bundle = await rolldown({
      input: 'src/cel/worker.ts',
      platform: 'node',
      // Its entry is all about what it does; the rest is as free of side effects as below.
      treeshake: { moduleSideEffects: (path) => path.endsWith('/src/cel/worker.ts') },
    });
    const { output } = await bundle.generate({ format: 'cjs', codeSplitting: false, minify: true });
    await bundle.close();
    return `export const workerSource = ${JSON.stringify(output[0].code)};`;
  },
};

/** What browsers get lies in the agent's file as texts. */
const page: Plugin = {
  name: 'page',
  async load(id) {
    if (!id.endsWith('/src/page/assets.ts')) return undefined;
    return `const assets = ${JSON.stringify(await bundlePage())}; export const pageAssets = async () => assets;`;
  },
};

/**
 * One file without what the agent never calls: the Kubernetes client's generated models alone would
 * cost 60 MB of resident memory. Modules are free of side effects apart from their entry, which lets
 * the bundler drop them.
 */
export default defineConfig({
  input: 'src/main.ts',
  platform: 'node',
  plugins: [celWorker, page],
  treeshake: { moduleSideEffects: false },
  output: { file: 'dist/nodeop-agent.js', format: 'esm', codeSplitting: false },
});
