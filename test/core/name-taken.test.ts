import { expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { nameTaken } from '../../src/core/runs/name-taken.ts';

const nodeOp = (metadata: NodeOp['metadata']) =>
  ({ metadata: { name: 'ntp', namespace: 'ops', ...metadata } }) as NodeOp;
const run = (id: string) => nodeOp({ annotations: { 'agent.nodeop.dev/run': id } });

test.each([
  ['of a run', run(':runs/ntp.yaml'), 'it is that of the run runs/ntp.yaml;'],
  [
    'of another cluster',
    run('berlin:runs/2030/ntp.yaml'),
    'it is that of the run runs/2030/ntp.yaml of cluster berlin;',
  ],
  [
    'of nobody’s run',
    nodeOp({ creationTimestamp: '2030-01-01T00:00:00Z' }),
    "it is no run's, somebody created it in the cluster at 2030-01-01T00:00:00Z;",
  ],
  ['of an unknown time', nodeOp({}), "it is no run's, somebody created it in the cluster;"],
])('a name %s is told with its owner and the ways out', (_, taken, owner) => {
  const text = nameTaken(taken);
  expect(text).toContain(`NodeOp ops/ntp is there already: ${owner}`);
  expect(text).toContain('give this run another name, or write "generateName: ntp-" in place of it');
});
