import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from '../../src/agent/agent.ts';
import { type Sim, type SimOptions, startSim } from '../../src/sim/index.ts';
import { silent, TestRepository } from '../runs/support.ts';

/** An agent with a repository on an embedded cluster, all in this process. */
export interface Operations {
  sim: Sim;
  repository: TestRepository;
  /** It acts, polls by itself every quarter of a minute and sees at once what is pushed; `repository.pollNow` asks for it. */
  agent: Agent;
  stop: () => Promise<void>;
}

/** @param files what the repository holds when the agent starts, which carries all of it out */
export async function startOperations(
  options: SimOptions,
  files: Record<string, string>,
  config: object = {},
): Promise<Operations> {
  const sim = await startSim(options);
  const repository = new TestRepository();
  const kubeconfig = join(repository.root, 'kubeconfig');
  writeFileSync(kubeconfig, sim.kubeconfig);
  repository.push(files);
  const base = { kubernetes: { kubeconfig, namespace: 'default' }, runs: { initial: 'execute' } };
  const agent = new Agent(repository.config({ ...base, ...config }), silent);
  await agent.start();
  const stop = async () => {
    await agent.stop();
    await sim.stop();
    repository[Symbol.dispose]();
  };
  return { sim, repository, agent, stop };
}
