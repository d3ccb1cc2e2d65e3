import { expect, test } from 'vitest';
import { parseDefinition } from '../../src/core/runs/definitions.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';

const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
const nodeOp = (spec: string) => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec: {image: busybox, command: ["true"]${spec === '' ? '' : `, ${spec}`}}
`;
const run = (spec: string) => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
spec: {nodeOp: flash${spec === '' ? '' : `, ${spec}`}}
`;

function prepare(text: string, definition = '') {
  const bytes = Buffer.from(text);
  const source = { path: 'runs/a.yaml', mode: '100644', blob: 'b', commit: 'c', content: bytes };
  const parsed = parseDefinition('nodeops/flash.yaml', Buffer.from(nodeOp(definition)));
  const definitions = 'result' in parsed ? [parsed] : [];
  return prepareRun(source, { layout, namespace: 'ops', definitions, executor: 'external' });
}

test('what people wrote is sent and nothing else: the defaults are the other controller’s', () => {
  const written = 'drainOptions: {enabled: true}, uncordonOnFailure: true, rebootTimeoutSeconds: 9';
  const prepared = prepare(nodeOp(`${written}, startTimeoutSeconds: 5, retryAfterDisruption: true`));
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  expect(prepared.manifest.spec).toEqual({
    image: 'busybox',
    command: ['true'],
    drainOptions: { enabled: true },
    uncordonOnFailure: true,
  });
  expect(prepared.manifest.metadata).not.toHaveProperty('finalizers');
  const merged = prepare(
    run('overrides: {concurrency: 2, drainOptions: {force: true}}'),
    'drainOptions: {enabled: true}',
  );
  expect(merged.ok && merged.manifest.spec).toEqual({
    image: 'busybox',
    command: ['true'],
    concurrency: 2,
    drainOptions: { enabled: true, force: true },
  });
});

test.each([
  ['suspend: true', 'suspend'],
  ['env: [{name: A, value: b}]', 'env'],
  ['activeDeadlineSeconds: 5', 'activeDeadlineSeconds'],
  ['cancelTimeoutSeconds: 5', 'cancelTimeoutSeconds'],
  ['maxFailures: 0', 'maxFailures'],
  ['topologyKey: zone', 'topologyKey'],
  ['soakSeconds: 5', 'soakSeconds'],
])('%s is refused where it stands', (field, name) => {
  const problem = (path: unknown[], message: RegExp) =>
    expect.objectContaining({ path, message: expect.stringMatching(message) as unknown });
  const unknown = /executor: external.*does not know/;
  expect(prepare(nodeOp(field))).toMatchObject({ ok: false, problems: [problem(['spec', name], unknown)] });
  const own = name === 'env' || name === 'suspend';
  expect(prepare(run(own ? field : `overrides: {${field}}`))).toMatchObject({
    problems: [problem(own ? ['spec', name] : ['spec', 'overrides', name], unknown)],
  });
  expect(prepare(run(''), field)).toMatchObject({
    problems: [problem(['spec', 'nodeOp'], new RegExp(`spec.${name}: `))],
  });
});

test('a window is refused; notBefore and notAfter, which are the agent’s own, are not', () => {
  const window = 'window: {schedule: "0 22 * * *", duration: 8h}';
  expect(prepare(run(window))).toMatchObject({ problems: [{ path: ['spec', 'window'], line: 3 }] });
  expect(prepare(run('notBefore: "2030-01-01T00:00:00Z"'))).toMatchObject({ ok: true });
});
