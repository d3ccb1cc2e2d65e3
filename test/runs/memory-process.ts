/**
 * An agent that follows a repository in a process of its own: `node test/runs/memory-process.ts URL DIR`. It looks at what is there each
 * time it is told a line; what it began, and the memory it used at most so far, in MiB, is what it answers.
 */
import { createInterface } from 'node:readline';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { AgentConfigSchema } from '../../src/api/config.ts';
import { MemoryStore, silent } from './support.ts';

const [, , url, dir] = process.argv;
const config = AgentConfigSchema.parse({
  apiVersion: 'agent.nodeop.dev/v1alpha1',
  kind: 'AgentConfig',
  git: { url, dir },
  runs: { initial: 'execute', maxConcurrent: 9 },
});
const store = new MemoryStore();
const loop = new RepositoryLoop({ config, store, logger: silent });
for await (const _ of createInterface({ input: process.stdin })) {
  await loop.pollNow();
  const begun = store.list().map(({ metadata }) => metadata.name);
  const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({ begun, mebibytes })}\n`);
}
await loop.stop();
