import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { NodeLogs } from '../../src/agent/repository/node-logs.ts';
import { ReportBuilder } from '../../src/agent/repository/reports.ts';
import { PhaseClock } from '../../src/agent/rollouts/phase-clock.ts';
import { WorkIndex } from '../../src/agent/rollouts/work-index.ts';
import { AgentConfigSchema } from '../../src/api/config.ts';
import type { Job } from '../../src/api/kubernetes.ts';
import { ANNOTATION_NODE, LABEL_NODEOP_UID } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NO_TELEMETRY, type NodeOpStore } from '../../src/core/ports.ts';
import { systemClock } from '../../src/time/clock.ts';

const RUNS = 1_000;
const LINE = `${'x'.repeat(62)}\n`;
const LOG = 64 * 1024;

const config = AgentConfigSchema.parse({
  apiVersion: 'agent.nodeop.dev/v1alpha1',
  kind: 'AgentConfig',
  git: { url: '/nowhere', dir: '/nowhere.git' },
  report: { logs: 'all' },
});

/** Each has its own text, so that nothing is shared. */
const store = {
  log: (nodeOp: NodeOp) => Promise.resolve(`${nodeOp.metadata.uid}\n`.padEnd(LOG, LINE)),
} as unknown as NodeOpStore;

const nodeOp = (run: number): NodeOp => ({
  metadata: { name: `op-${run}`, namespace: 'ops', uid: `uid-${run}` },
  spec: { image: 'busybox', command: ['true'] } as NodeOp['spec'],
  status: { phase: 'Failed', nodeStatuses: { 'node-1': { phase: 'Failed', jobName: 'job' } } },
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** How much more is held after a thousand runs than after a hundred; in bytes. */
async function growth(carryOut: (run: number) => void | Promise<void>): Promise<number> {
  let before = 0;
  for (let run = 0; run < RUNS; run += 1) {
    // oxlint-disable-next-line no-await-in-loop -- run after run
    await carryOut(run);
    if (run !== 100) continue;
    collect();
    before = process.memoryUsage().heapUsed;
  }
  collect();
  return process.memoryUsage().heapUsed - before;
}

test('logs are kept for the runs under way, and no longer', { timeout: 120_000 }, async () => {
  type Repository = ConstructorParameters<typeof NodeLogs>[2];
  const repository = {
    layout: { ...config.git.paths, cluster: '' },
    snapshots: { lookUp: { reports: () => Promise.resolve() } },
  } as unknown as Repository;
  const logs = new NodeLogs(config.report, store, repository);
  const snapshot = { reports: new Map() } as unknown as Parameters<NodeLogs['of']>[2];
  const builder = new ReportBuilder(config, store, {
    git: { text: () => Promise.resolve('') },
  } as unknown as ConstructorParameters<typeof ReportBuilder>[2]);
  const grown = await growth(async (number) => {
    const run = `runs/${number}.yaml`;
    logs.retain(new Set([run]));
    builder.retain(new Set([run]));
    const files = await logs.of(run, nodeOp(number), snapshot);
    expect([...files.values()].map((text) => text.length)).toEqual([expect.any(Number)]);
    const facts = { path: run, file: undefined, report: undefined } as unknown as Parameters<
      ReportBuilder['ofNodeOp']
    >[0];
    await builder.ofNodeOp(facts, nodeOp(number));
  });
  expect(grown).toBeLessThan(16 * 1024 * 1024);
});

test('what is known of the work of a NodeOp goes with it, in whatever order they go', async () => {
  const alive = new Set<string>();
  const work = new WorkIndex({ exists: (uid) => alive.has(uid), onFreed: () => {} });
  const phases = new PhaseClock(NO_TELEMETRY, systemClock);
  const job = (uid: string): Job => ({
    metadata: {
      name: `job-${uid}`,
      uid: `job-${uid}`,
      labels: { [LABEL_NODEOP_UID]: uid },
      annotations: { [ANNOTATION_NODE]: 'node-1' },
    },
  });
  await growth((run) => {
    const uid = `uid-${run}`;
    alive.add(uid);
    work.change('job', job(uid), false);
    phases.moved(uid, 'node-1', 'Pending', 'Draining');
    alive.delete(uid);
    work.forget(uid);
    phases.forget(uid);
    // Garbage collection takes the Job after its NodeOp, and changes it before.
    work.change('job', job(uid), false);
    work.change('job', job(uid), true);
    work.confirmed(uid, 'node-1', 0, undefined);
    work.jobGone(uid, 'node-1');
    expect(work.size).toBe(0);
  });
});
