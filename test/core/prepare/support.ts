import { parseDefinition, type Definition } from '../../../src/core/runs/definitions.ts';
import { readRun, type ReadRun } from '../../../src/core/runs/prepare/read.ts';
import type { PrepareContext, Refused } from '../../../src/core/runs/prepare/stage.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** What a stage before handed on, or the failure of the test. */
export function passed<T extends object>(output: T | Refused): T {
  if ('problems' in output) throw new Error(JSON.stringify(output));
  return output;
}

export const context: PrepareContext = {
  layout: { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'berlin' },
  namespace: 'ops',
  definitions: [],
};

export const nodeOp = (spec: string, metadata = 'name: a') =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {${metadata}}\nspec: {command: [a]${spec}}\n`;
export const nodeOpRun = (spec: string, head = '') =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\n${head}spec: {nodeOp: flash${spec}}\n`;

export const source = (text: string, path = 'runs/a.yaml', mode = '100644') => ({
  path,
  mode,
  blob: 'blob',
  commit: 'commit',
  content: bytes(text),
});
export const read = (text: string): ReadRun => passed(readRun(source(text)));

export function definition(text: string, path = 'nodeops/flash.yaml'): Definition {
  const parsed = parseDefinition(path, bytes(text));
  if (!('result' in parsed)) throw new Error('a schedule');
  return parsed;
}
