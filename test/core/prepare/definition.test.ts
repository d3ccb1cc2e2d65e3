import { expect, test } from 'vitest';
import { withDefinition } from '../../../src/core/runs/prepare/definition.ts';
import { context, definition, nodeOp, nodeOpRun, passed, read } from './support.ts';

const definitions = [definition(nodeOp('', 'name: flash, namespace: firmware'))];

test('the run has the namespace of its definition, unless it names one', () => {
  const of = (head: string) =>
    passed(withDefinition(read(nodeOpRun('', head)), { ...context, definitions })).metadata.namespace;
  expect(of('')).toBe('firmware');
  expect(of('metadata: {name: a}\n')).toBe('firmware');
  expect(of('metadata: {namespace: own}\n')).toBe('own');
});

test('what the definition says is handed on as it was written', () => {
  const found = passed(withDefinition(read(nodeOpRun('')), { ...context, definitions })).definition;
  expect(found).toEqual({
    name: 'flash',
    path: 'nodeops/flash.yaml',
    spec: { command: ['a'] },
    declares: { parameters: [] },
  });
});

test('a name without a definition is told where the run names it', () => {
  expect(withDefinition(read(nodeOpRun('')), context)).toMatchObject({
    ok: false,
    definition: 'flash',
    problems: [{ path: ['spec', 'nodeOp'], line: 3, column: 8 }],
  });
});

test('a NodeOp needs none', () => {
  const draft = read(nodeOp(''));
  expect(withDefinition(draft, context)).toBe(draft);
});

test('what a definition declares wrongly is told with its place, by the run that names it', () => {
  const wrong = definition(nodeOp(', parameters: [{name: VERSION, default: 1e3}]', 'name: flash'));
  expect(withDefinition(read(nodeOpRun('')), { ...context, definitions: [wrong] })).toMatchObject({
    problems: [
      {
        path: ['spec', 'nodeOp'],
        message:
          'definition "flash" is not valid here: nodeops/flash.yaml:4:51: spec.parameters[0].default: expected text, found the number 1000, written "1e3"; quote it: "1e3"',
      },
    ],
  });
});
