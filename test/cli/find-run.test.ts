import { expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { findRun } from '../../src/cli/find-run.ts';

const op = (name: string, run?: string) =>
  ({
    metadata: {
      name,
      namespace: 'ops',
      annotations: run === undefined ? {} : { 'agent.nodeop.dev/run': `berlin:${run}` },
    },
  }) as unknown as NodeOp;
const nodeOps = [
  op('flash-5d4ac51836', 'runs/2030/flash.yaml'),
  op('flash-aaaaaaaaaa', 'runs/2031/flash.yaml'),
  op('ntp', 'runs/ntp.yaml'),
  op('ntp-2', 'runs/deep/ntp.yaml'),
  op('by-hand'),
];

test.each([
  ['a name', 'ntp', 'ntp'],
  ['a namespace and a name', 'ops/by-hand', 'by-hand'],
  ['a path', 'runs/2030/flash.yaml', 'flash-5d4ac51836'],
  ['the end of a path', '2031/flash.yaml', 'flash-aaaaaaaaaa'],
  ['a path from here', './runs/ntp.yaml', 'ntp'],
  ['an absolute path', '/home/ada/operations/runs/2030/flash.yaml', 'flash-5d4ac51836'],
  ['the path of a report', 'results/2030/flash.yaml', 'flash-5d4ac51836'],
  ['the path of a report of a cluster', 'results/berlin/2031/flash.yaml', 'flash-aaaaaaaaaa'],
  ['an absolute path of a report, the longest match', '/ops/results/berlin/deep/ntp.yaml', 'ntp-2'],
  ['the beginning of a name', 'by-', 'by-hand'],
  ['the beginning of a path', 'runs/2031', 'flash-aaaaaaaaaa'],
])('%s finds the run', (_, wanted, name) => {
  expect(findRun(nodeOps, wanted).metadata.name).toBe(name);
});

test.each([
  [
    'flash',
    '"flash" means several: runs/2030/flash.yaml, runs/2031/flash.yaml; give the whole path, or <namespace>/<name>',
  ],
  ['nto', 'the cluster has no run or NodeOp "nto"; did you mean "ntp"?'],
  [
    'runs/unknown.yaml',
    'status lists what is there; of a run file that is invalid the report under results/ says why',
  ],
  ['', 'the cluster has no run or NodeOp ""; nodeop-agent status lists what is there'],
])('%j is not enough', (wanted, message) => {
  expect(() => findRun(nodeOps, wanted)).toThrow(message);
});
