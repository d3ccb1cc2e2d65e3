import { expect, test } from 'vitest';
import { readRun } from '../../../src/core/runs/prepare/read.ts';
import { nodeOp, nodeOpRun, read, source } from './support.ts';

test('a NodeOp says itself what is to be done: with defaults, and as it was written', () => {
  const { own, run, metadata } = read(nodeOp(', image: x', 'name: a, namespace: b'));
  expect(run).toBeUndefined();
  expect(metadata).toEqual({ name: 'a', namespace: 'b' });
  expect(own?.written).toEqual({ command: ['a'], image: 'x' });
  expect(own?.spec).toMatchObject({ command: ['a'], image: 'x', backoffLimit: 3 });
});

test('a NodeOpRun names a definition', () => {
  const { own, run, metadata } = read(nodeOpRun(', clusters: [berlin]'));
  expect({ own, metadata }).toEqual({ own: undefined, metadata: {} });
  expect(run?.spec).toEqual({ nodeOp: 'flash', clusters: ['berlin'] });
});

test.each([
  ['a link', source('elsewhere', 'runs/a.yaml', '120000'), 'symbolic link'],
  ['another kind', source('kind: Pod'), 'kind: "Pod"'],
  [
    'a mark of the agent',
    source(nodeOp('', 'name: a, annotations: {agent.nodeop.dev/run: x}')),
    'agent alone',
  ],
])('%s is refused', (_, file, message) => {
  const refused = readRun(file);
  expect(refused).toMatchObject({ ok: false });
  const told = 'problems' in refused ? refused.problems.map((it) => [...it.path, it.message].join(': ')) : [];
  expect(told.join('\n')).toContain(message);
});
