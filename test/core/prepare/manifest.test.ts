import { expect, test } from 'vitest';
import { toManifest } from '../../../src/core/runs/prepare/manifest.ts';
import { withOverrides, type Merged } from '../../../src/core/runs/prepare/overrides.ts';
import { context, given, nodeOp, ofNodeOp, passed, source } from './support.ts';

const merged = (text: string) => passed(withOverrides(ofNodeOp(text)));
const ofRun = (run: string) => passed(withOverrides(given(run, { command: ['a'], image: 'x' })));
const prepared = (draft: Merged) => passed(toManifest(draft, context));

test('the NodeOp says which run it is of', () => {
  const { manifest, here, clusters } = prepared(merged(nodeOp('', 'name: a, labels: {b: c}')));
  expect({ here, clusters }).toEqual({ here: true, clusters: undefined });
  expect(manifest.metadata).toEqual({
    name: 'a',
    namespace: 'ops',
    labels: { b: 'c' },
    annotations: {
      'agent.nodeop.dev/run': 'berlin:runs/a.yaml',
      'agent.nodeop.dev/run-blob': 'blob',
      'agent.nodeop.dev/run-commit': 'commit',
    },
  });
});

test('a run is for the clusters it names, in its window and its time', () => {
  const times = 'notBefore: "2030-01-01T00:00:00Z", notAfter: "2030-01-02T00:00:00Z"';
  const window = { schedule: '0 1 * * *', duration: '1h', timeZone: 'UTC' };
  const run = prepared(ofRun(`, clusters: [berlin], ${times}, window: {schedule: 0 1 * * *, duration: 1h}`));
  expect(run).toMatchObject({ here: true, clusters: ['berlin'], window, definition: { name: 'flash' } });
  expect(run).toMatchObject({ notBefore: '2030-01-01T00:00:00Z', notAfter: '2030-01-02T00:00:00Z' });
  expect(run.manifest.metadata.annotations?.['agent.nodeop.dev/window']).toBe(JSON.stringify(window));
  expect(prepared(ofRun(', clusters: [lisbon]')).here).toBe(false);
  expect(prepared(ofRun('')).here).toBe(true);
});

test('a run without a name has one by its file, cluster and content, and never another', () => {
  const name = (path: string, blob = 'blob', cluster = 'berlin') => {
    const draft = { ...ofRun(''), source: { ...source('', path), blob } };
    const layout = { ...context.layout, cluster };
    return passed(toManifest(draft, { ...context, layout })).manifest.metadata.name;
  };
  expect(name('runs/B c.yaml')).toMatch(/^b-c-[0-9a-f]{10}$/);
  expect(name('runs/B c.yaml')).toBe(name('runs/B c.yaml'));
  const others = [
    name('runs/x/B c.yaml'),
    name('runs/B c.yaml', 'other'),
    name('runs/B c.yaml', 'blob', 'lisbon'),
  ];
  expect(new Set([...others, name('runs/B c.yaml')]).size).toBe(4);
  expect(prepared(merged(nodeOp('', 'generateName: up-'))).manifest.metadata.name).toMatch(
    /^up-[0-9a-f]{10}$/,
  );
});

test('what begins no name is refused', () => {
  expect(toManifest(merged(nodeOp('', 'generateName: Up_')), context)).toMatchObject({
    ok: false,
    problems: [{ path: ['metadata', 'generateName'], line: 3, column: 12 }],
  });
});
