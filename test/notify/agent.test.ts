import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Agent } from '../../src/agent/agent.ts';
import { NODEOP_API_VERSION } from '../../src/api/nodeop.ts';
import { silent } from '../runs/support.ts';
import { type Operations, startOperations } from '../support/agent.ts';
import { Receiver } from './receiver.ts';

/** Runs from their file or their making to what people are told, by an agent on an embedded cluster. */

let receiver: Receiver;
let operations: Operations;
let config: { notify: object[] };
const running: Agent[] = [];

beforeAll(async () => {
  receiver = await Receiver.open();
  config = { notify: [{ name: 'oncall', url: receiver.url }] };
  operations = await startOperations(
    {
      nodes: 2,
      script: (_, node) => (node === 'node-2' ? { exitCode: 3, log: 'write protected' } : { exitCode: 0 }),
    },
    { 'nodeops/none.txt': '' },
    config,
  );
});

afterAll(async () => {
  await Promise.all(running.splice(0).map((it) => it.stop()));
  await operations.stop();
  await receiver[Symbol.asyncDispose]();
});

const SPEC = `  image: busybox\n  command: ["true"]\n  stopOnFailure: false\n`;
const run = (name: string, more = '') =>
  `apiVersion: ${NODEOP_API_VERSION}\nkind: NodeOp\nmetadata: {name: ${name}}\nspec:\n${SPEC}${more}`;

const told = () => receiver.received.map(({ body }) => body as Record<string, string>);
const titles = (name: string) =>
  told()
    .filter((it) => it['name'] === name)
    .map((it) => it['event']);

/** Another agent takes over. */
async function restart(): Promise<Agent> {
  await operations.agent.stop();
  const kubeconfig = join(operations.repository.root, 'kubeconfig');
  const base = { kubernetes: { kubeconfig, namespace: 'default' }, runs: { initial: 'execute' } };
  const agent = new Agent(operations.repository.config({ ...base, ...config }), silent);
  running.push(agent);
  await agent.start();
  return agent;
}

test('a run from Git: its start, its first failure and its end, with who failed and why', async () => {
  operations.repository.push({ 'runs/flash.yaml': run('flash') });
  await operations.agent.repository.pollNow();
  await receiver.until(() => titles('runs/flash.yaml').includes('ended'));
  expect(titles('runs/flash.yaml')).toEqual(['started', 'firstFailure', 'ended']);
  const [, failure, end] = told();
  expect(failure).toMatchObject({
    title: 'First failure: runs/flash.yaml',
    node: 'node-2',
    report: 'results/flash.yaml',
  });
  expect(failure?.['text']).toMatch(/^node-2: command failed: exit code 3: write protected/);
  expect(end).toMatchObject({ phase: 'Failed', total: '2', completed: '1', failed: '1', status: 'firing' });
});

test('a NodeOp that somebody made with kubectl, and one that is not valid in Git', async () => {
  operations.sim.store.create('nodeops.operator.kairos.io', {
    apiVersion: NODEOP_API_VERSION,
    kind: 'NodeOp',
    metadata: { name: 'by-hand', namespace: 'default' },
    spec: {
      image: 'busybox',
      command: ['true'],
      nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'node-1' } },
    },
  });
  await receiver.until(() => titles('default/by-hand').includes('ended'));
  expect(titles('default/by-hand')).toEqual(['started', 'ended']);
  operations.repository.push({ 'runs/wrong.yaml': run('wrong', '  concurency: 3\n') });
  await operations.agent.repository.pollNow();
  await receiver.until(() => titles('runs/wrong.yaml').length > 0);
  expect(told().at(-1)).toMatchObject({ event: 'ended', phase: 'Invalid', nodeOp: '' });
  expect(told().at(-1)?.['text']).toContain(
    'spec.concurency: unknown field "concurency"; did you mean "concurrency"?',
  );
});

test('a receiver that never answers holds no run up; the next agent tells what did not arrive, and nothing twice', async () => {
  await vi.waitFor(() => expect(record().match(/ sfe$/gm)).toHaveLength(1), { timeout: 60_000 });
  receiver.always = () => {};
  operations.repository.push({ 'runs/two.yaml': run('two') });
  await operations.agent.repository.pollNow();
  const report = () => operations.repository.read('results/two.yaml') ?? '';
  await vi.waitFor(() => expect(report()).toMatch(/^ {2}phase: Failed$/m), { timeout: 60_000 });
  expect(titles('runs/two.yaml')).toEqual([]);
  receiver.always = undefined;

  const later = await Receiver.open();
  try {
    config.notify.push({ name: 'later', url: later.url });
    await restart();
    await receiver.until(() => titles('runs/two.yaml').includes('ended'));
    expect(titles('runs/two.yaml')).toEqual(['started', 'firstFailure', 'ended']);
    expect(titles('runs/flash.yaml')).toEqual(['started', 'firstFailure', 'ended']);
    // Who is configured later hears nothing of what was before; of the last second it cannot be told, as stamps are rounded up.
    const heard = later.received.map(({ body }) => (body as Record<string, string>)['name']);
    expect(heard.filter((it) => it !== 'runs/two.yaml')).toEqual([]);
  } finally {
    await later[Symbol.asyncDispose]();
  }
});

function record(): string {
  const found = operations.sim.store
    .all('configmaps')
    .find(({ metadata }) => metadata.name === 'nodeop-agent-notify-oncall');
  return (found?.['data'] as Record<string, string> | undefined)?.['told'] ?? '';
}
