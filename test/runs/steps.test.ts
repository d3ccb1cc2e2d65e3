import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Agent } from '../../src/agent/agent.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { parseReport } from '../../src/api/report.ts';
import type { Definition } from '../../src/core/definition.ts';
import { type Obj, type Sim, startSim } from '../../src/sim/index.ts';
import { nodeOp, silent, TestRepository } from './support.ts';

/** Steps through the whole agent: from the run file to the report, with agents that come and go. */

const NODEOPS = 'nodeops.operator.kairos.io';
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
const own = () => load(readFileSync(`manifests/crd/${NODEOPS}.yaml`, 'utf8')) as Obj & Definition;

let sim: Sim;
let repository: TestRepository;
let agent: Agent | undefined;

beforeAll(async () => {
  sim = await startSim({ nodes: 3, script: () => ({ durationMs: 5 }) });
  repository = new TestRepository();
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

afterAll(async () => {
  await sim.stop();
  repository[Symbol.dispose]();
});

async function start(): Promise<Agent> {
  const kubeconfig = join(repository.root, 'kubeconfig');
  writeFileSync(kubeconfig, sim.kubeconfig);
  const kubernetes = { kubeconfig, namespace: 'default' };
  agent = new Agent(repository.config({ kubernetes, runs: { initial: 'execute' } }), silent);
  await agent.start();
  return agent;
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 20 });
const report = (path: string) => parseReport(Buffer.from(repository.read(path) ?? ''));
const stored = (name: string) => sim.store.get(NODEOPS, name, 'default') as unknown as NodeOp | undefined;
const phaseOf = (name: string, step: number) => stored(name)?.status?.steps?.[step]?.phase;
const at = (time: string | undefined) => Date.parse(time ?? '');

test('an agent that ends in the soak is followed by one that soaks on, and the report tells it all', async () => {
  const steps = '[{name: canary, upTo: 1, soakSeconds: 2}]';
  repository.push({ 'runs/canary.yaml': nodeOp('canary', `  concurrency: 50%\n  steps: ${steps}\n`) });
  const first = await start();
  await eventually(() => expect(phaseOf('canary', 0)).toBe('Soaking'));
  const since = stored('canary')?.status?.steps?.[0]?.since;
  await first.stop();
  const second = await start();
  await eventually(() => expect(phaseOf('canary', 0)).toBe('Passed'));
  const passed = stored('canary')?.status?.steps?.[0]?.since;
  expect(at(passed) - at(since)).toBeGreaterThanOrEqual(2000);
  await second.stop();
  // A step that was passed is passed.
  await start();
  await eventually(() => expect(report('results/canary.yaml')?.status.phase).toBe('Completed'));
  const { spec, status } = report('results/canary.yaml') ?? {};
  expect(spec).toMatchObject({ concurrency: '50%' });
  expect(status).toMatchObject({
    amounts: { concurrency: 1 },
    steps: [
      { name: 'canary', phase: 'Passed', nodes: 1, since: passed, amounts: { concurrency: 1 } },
      { name: 'rest', phase: 'Passed', nodes: 2 },
    ],
    nodes: [
      { name: 'node-1', step: 'canary', attempts: 1 },
      { name: 'node-2', step: 'rest', attempts: 1 },
      { name: 'node-3', step: 'rest', attempts: 1 },
    ],
  });
  expect(at(status?.nodes?.[1]?.startedAt)).toBeGreaterThanOrEqual(at(passed) - 1000);
});

test('a definition of the version before gets nothing that it would drop', async () => {
  const { spec } = own();
  const fields = spec?.versions?.[0]?.schema?.openAPIV3Schema?.properties?.['spec']?.properties ?? {};
  delete fields['steps'];
  delete fields['postflight'];
  const { status } = spec?.versions?.[0]?.schema?.openAPIV3Schema?.properties ?? {};
  for (const name of ['stepOf', 'steps']) delete status?.properties?.[name];
  const node = status?.properties?.['nodeStatuses']?.additionalProperties;
  if (typeof node === 'object') delete node.properties?.['lostInSoak'];
  for (const name of ['concurrency', 'maxFailures']) Object.assign(fields, { [name]: { type: 'integer' } });
  sim.store.update(CRDS, { ...sim.store.read(CRDS, NODEOPS), spec } as Obj);
  await start();
  repository.push({
    'runs/old-steps.yaml': nodeOp('old-steps', '  steps: [{name: canary, upTo: 1}]\n'),
    'runs/old-postflight.yaml': nodeOp('old-postflight', '  postflight: {command: [verify]}\n'),
    'runs/old-share.yaml': nodeOp('old-share', '  concurrency: 25%\n'),
    'runs/old-plain.yaml': nodeOp('old-plain', '  concurrency: 1\n  maxFailures: 1\n'),
  });
  await agent?.repository.pollNow();
  for (const [name, field] of [
    ['old-steps', 'spec.steps'],
    ['old-postflight', 'spec.postflight'],
    ['old-share', 'spec.concurrency'],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await eventually(() => expect(report(`results/${name}.yaml`)?.status.phase).toBe('Invalid'));
    expect(report(`results/${name}.yaml`)?.status.problems).toMatchObject([{ path: field }]);
    expect(stored(name)).toBeUndefined();
  }
  await eventually(() => expect(report('results/old-plain.yaml')?.status.phase).toBe('Completed'));
});
