import { parseDefinition, type Definition } from '../../../src/core/runs/definitions.ts';
import type { Declarations } from '../../../src/core/runs/parameters/declared.ts';
import { withParameters, type Given } from '../../../src/core/runs/prepare/parameters.ts';
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

/** A run of the definition "flash" that is read, found and has its parameters. */
export function given(run: string, spec: unknown, declared: Partial<Declarations> = {}): Given {
  const declares = { parameters: [], ...declared };
  const found = { name: 'flash', path: 'nodeops/flash.yaml', spec, declares };
  return passed(withParameters({ ...read(nodeOpRun(run)), definition: found }));
}
export const ofNodeOp = (text: string): Given => ({ ...read(text), parameters: [] });
