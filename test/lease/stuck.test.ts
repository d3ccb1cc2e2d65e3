import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Replica } from '../../src/agent/replica.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { TestRepository } from '../runs/support.ts';
import { StallingProxy } from '../support/stalling-proxy.ts';

let repository: TestRepository;
let sim: Sim;
let proxy: StallingProxy;
let replica: Replica;
let stuck: Error[];

beforeEach(async () => {
  repository = new TestRepository();
  repository.push({ 'README.md': 'operations\n' });
  sim = await startSim({ nodes: 1, script: () => ({ durationMs: 1 }) });
  proxy = new StallingProxy(sim.url);
  const kubeconfig = join(repository.root, 'kubeconfig');
  writeFileSync(kubeconfig, sim.kubeconfig.replaceAll(sim.url, await proxy.start()));
  const leaderElection = { leaseDuration: '3s', renewDeadline: '2s', retryPeriod: '300ms' };
  const config = repository.config({
    kubernetes: { kubeconfig, leaderElection },
    git: { poll: { jitter: '0s' } },
  });
  stuck = [];
  replica = new Replica(config, createLogger('silent'), {
    place: { namespace: 'default' },
    onStuck: (error) => stuck.push(error),
  });
});

afterEach(async () => {
  await replica.stop();
  await proxy.stop();
  await sim.stop();
  repository[Symbol.dispose]();
});

const isPodList = (what: string) => what.includes('spec.nodeName=node-1');
const phase = () =>
  (sim.store.get('nodeops.operator.kairos.io', 'drained', 'default') as NodeOp | undefined)?.status?.phase;

function drain(): void {
  sim.store.create('nodeops.operator.kairos.io', {
    metadata: { name: 'drained', namespace: 'default' },
    spec: { image: 'busybox', command: ['true'], drainOptions: { enabled: true } },
  });
}

/** The list of the pods of a node that is drained is under way, and nobody answers. */
async function stallDrain(): Promise<void> {
  const asked = vi.fn<() => void>();
  proxy.onRequest = (what) => {
    if (isPodList(what)) asked();
  };
  proxy.stalls = isPodList;
  replica.start();
  drain();
  await vi.waitFor(() => expect(asked).toHaveBeenCalled(), 30_000);
}

test(
  'a leader that loses the lease in mid-drain, and gains it again, goes on',
  { timeout: 90_000 },
  async () => {
    await stallDrain();
    proxy.stalls = (what) => isPodList(what) || what.includes('/leases/');
    const lease = () => sim.store.all('leases.coordination.k8s.io')[0];
    await new Promise((resolve) => {
      setTimeout(resolve, 3_000);
    });
    proxy.stalls = () => false;
    await vi.waitFor(() => expect(phase()).toBe('Completed'), 60_000);
    expect(lease()?.spec).toMatchObject({ holderIdentity: expect.stringMatching(/.+/) as unknown });
    expect(stuck).toEqual([]);
  },
);

test(
  'an agent that is stopped while the API server answers nothing any more ends',
  { timeout: 90_000 },
  async () => {
    await stallDrain();
    proxy.stalls = () => true;
    const began = performance.now();
    await replica.stop();
    expect(performance.now() - began).toBeLessThan(24_000);
    expect(stuck).toEqual([]);
  },
);
