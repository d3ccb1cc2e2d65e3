import { describe, expect, test } from 'vitest';
import { NODEOP_API_VERSION, NodeOpManifestSchema } from '../../src/api/nodeop.ts';
import { parseDocument } from '../../src/api/documents.ts';
import { formatProblem } from '../../src/api/schema.ts';

function problems(spec: string, metadata = 'name: x'): string {
  const text = `apiVersion: ${NODEOP_API_VERSION}\nkind: NodeOp\nmetadata: {${metadata}}\nspec: {command: [a], ${spec}}\n`;
  const parsed = parseDocument(new TextEncoder().encode(text), [
    { apiVersion: NODEOP_API_VERSION, kind: 'NodeOp', schema: NodeOpManifestSchema },
  ]);
  return parsed.ok ? '' : parsed.problems.map(formatProblem).join('\n');
}

describe('what the API server would refuse of a pod is refused before', () => {
  test.each([
    ['image: "alpine 3.20"', /^spec.image: must not hold spaces, found "alpine 3.20"$/],
    ['image: Alpine:3', /^spec.image: is not the name of an image/],
    ['image: "alpine:"', /^spec.image: has a tag that is none/],
    ['image: "alpine@sha256:abc"', /^spec.image: has a digest that is none/],
    ['image: a, preflight: {command: [a], image: "b c"}', /^spec.preflight.image: must not hold spaces/],
    ['image: a, env: [{name: A, valueFrom: {}}]', /^spec.env\[0\].valueFrom: needs one of/],
    [
      'image: a, env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]',
      /^spec.env\[0\].valueFrom: must be left out where there is a value$/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.nodeName}, secretKeyRef: {name: s, key: k}}}]',
      /^spec.env\[0\].valueFrom: must have one source, has secretKeyRef and fieldRef$/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.node}}}]',
      /fieldPath: no field of a pod/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {secretKeyRef: {name: "S!", key: k}}}]',
      /secretKeyRef.name: not the name/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: a/b}}}]',
      /secretKeyRef.key: not a key/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: cpu}}}]',
      /resource: expected a resource/,
    ],
    [
      'image: a, tolerations: [{operator: Equal}]',
      /^spec.tolerations\[0\].operator: must be "Exists" where no key is named$/,
    ],
    ['image: a, tolerations: [{key: a, operator: Exists, value: b}]', /value: must be left out/],
    ['image: a, tolerations: [{key: "a b", operator: Exists}]', /key: not the key of a taint/],
    ['image: a, tolerations: [{key: a, value: "b c"}]', /value: not the value of a taint/],
    [
      'image: a, tolerations: [{key: a, operator: Exists, tolerationSeconds: 5}]',
      /tolerationSeconds: needs the effect/,
    ],
    ['image: a, hostMountPath: "/a:b"', /^spec.hostMountPath: must not hold ":"/],
    [
      'image: a, resources: {requests: {cpu: "2"}, limits: {cpu: 500m}}',
      /^spec.resources.requests.cpu: must not be more than the limit, 500m$/,
    ],
    [
      'image: a, resources: {requests: {memory: -1Mi}}',
      /^spec.resources.requests.memory: must not be less than nothing$/,
    ],
  ])('%s', (spec, expected) => {
    expect(problems(spec)).toMatch(expected);
  });

  test.each([
    ['name: x, labels: {"a b": c}', /metadata.labels\["a b"\]: not a label key/],
    ['name: x, labels: {a: "b c"}', /metadata.labels.a: not a label value/],
    ['name: x, annotations: {"a b": c}', /metadata.annotations\["a b"\]: not a label key/],
  ])('%s', (metadata, expected) => {
    expect(problems('image: a', metadata)).toMatch(expected);
  });
});

test.each([
  'image: alpine',
  'image: registry.example.org:5000/team/tool_a.b-c:v1.2_3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  'image: localhost/x',
  'image: "[2001:db8::1]:5000/x"',
  'image: Registry.Example.org/x',
  'image: quay.io/kairos/ubuntu:24.04-standard-amd64-generic-v3.5.0-k3sv1.33.3-k3s1',
  'image: a, env: [{name: A}, {name: B, value: ""}, {name: C, valueFrom: {fieldRef: {fieldPath: "metadata.labels[\'a/b\']"}}}]',
  'image: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}]',
  'image: a, tolerations: [{operator: Exists}, {key: a}, {key: a.b/c, value: d, effect: NoExecute, tolerationSeconds: 5}]',
  'image: a, resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: 1, memory: 1024Mi}}',
])('what it takes is taken: %s', (spec) => {
  expect(problems(spec)).toBe('');
});
