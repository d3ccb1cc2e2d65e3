import { describe, expect, test } from 'vitest';
import { NODEOP_API_VERSION, NodeOpManifestSchema } from '../../src/api/nodeop.ts';
import { parseDocument } from '../../src/api/documents.ts';
import { formatProblem } from '../../src/api/schema.ts';

function problems(spec: string, metadata = 'name: x'): string {
  const text = `apiVersion: ${NODEOP_API_VERSION}\nkind: NodeOp\nmetadata: {${metadata}}\nspec: {${spec.includes(' command: ') ? '' : 'command: [a], '}${spec}}\n`;
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
    ['image: a, env: [{name: "ü"}]', /^spec.env\[0\].name: not a name for an environment variable/],
    ['image: a, env: [{name: "A\\u0007"}]', /not a name for an environment variable/],
    ['image: a, env: [{name: "A\\nB"}]', /not a name for an environment variable/],
    ['image: a, env: [{name: A, value: "b\\0c"}]', /^spec.env\[0\].value: must not hold the character NUL/],
    ['image: a, env: [{name: A, value: "\\ud800"}]', /value: must be Unicode text/],
    [
      'image: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.labels[\'a//b\']"}}}]',
      /fieldPath: no field of a pod/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.annotations[\'-a\']"}}}]',
      /fieldPath: no field of a pod/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.nodeName, apiVersion: v2}}}]',
      /apiVersion: must be "v1", found "v2"$/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1Mi}}}]',
      /divisor: must be one of 1, 1m, found "1Mi"$/,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1m}}}]',
      /divisor: must be one of 1, 1k, /,
    ],
    [
      'image: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, containerName: other}}}]',
      /containerName: must be left out, or "nodeop", found "other"$/,
    ],
    ['image: a, command: [""]', /^spec.command\[0\]: must name a program$/],
    ['image: a, command: [" ", a]', /^spec.command\[0\]: must name a program$/],
    ['image: a, command: [a, "b\\0"]', /^spec.command\[1\]: must not hold the character NUL/],
    ['image: a, preflight: {command: [""]}', /^spec.preflight.command\[0\]: must name a program$/],
    [
      'image: a, steps: [{name: a, checks: [{command: {command: [""]}}]}]',
      /checks\[0\].command.command\[0\]: must name a program$/,
    ],
    ['image: a, hostMountPath: /.', /^spec.hostMountPath: must be an absolute path other than "\/"$/],
    ['image: a, hostMountPath: /././/', /must be an absolute path other than "\/"$/],
    ['image: a, hostMountPath: //proc/x', /must not be \/proc, which the container has of its own$/],
    ['image: a, hostMountPath: /dev', /must not be \/dev/],
    ['image: a, hostMountPath: /etc/', /must not be \/etc/],
    ['image: a, hostMountPath: "/a\\nb"', /must not hold control characters$/],
    ['image: a, resources: {limits: {cpu: "1e1.5"}}', /^spec.resources.limits.cpu: expected a quantity/],
    [
      'image: a, resources: {limits: {cpu: 0.5}}',
      /expected a quantity .*, found the number 0.5; quote it: "0.5"$/,
    ],
    ['image: a, resources: {limits: {cpu: [1]}}', /expected a quantity .*, found a list$/],
    ['image: a, resources: {limits: {cpu: true}}', /expected a quantity .*, found true$/],
    ['image: a, rebootResources: {limits: {cpus: 1}}', /^spec.rebootResources.limits.cpus: expected cpu/],
    ['image: a, imagePullSecrets: [{name: "A B"}]', /^spec.imagePullSecrets\[0\].name: not the name of a/],
    ['image: a, tolerations: [{key: a..b/c, operator: Exists}]', /key: not the key of a taint/],
    ['image: a, tolerations: [{key: a-./b, operator: Exists}]', /key: not the key of a taint/],
    [`image: a, topologyKey: ${'a'.repeat(64)}`, /^spec.topologyKey: not a label key/],
    [
      `image: a, nodeSelector: {matchLabels: {a..b/c: d}}`,
      /^spec.nodeSelector.matchLabels\["a..b\/c"\]: not a label key/,
    ],
  ])('%s', (spec, expected) => {
    expect(problems(spec)).toMatch(expected);
  });

  test.each([
    ['name: x, labels: {"a b": c}', /metadata.labels\["a b"\]: not a label key/],
    ['name: x, labels: {a: "b c"}', /metadata.labels.a: not a label value/],
    ['name: x, annotations: {"a b": c}', /metadata.annotations\["a b"\]: not a label key/],
    [`name: x, labels: {${'a'.repeat(64)}: b}`, /: not a label key$/],
    ['name: x, namespace: a.b', /^metadata.namespace: must not hold "."/],
    [`name: x, namespace: ${'a'.repeat(64)}`, /^metadata.namespace: must have at most 63 characters/],
    ['name: x, namspace: prod', /^metadata.namspace: unknown field "namspace"; did you mean "namespace"\?$/],
    ['name: x, lables: {a: b}', /did you mean "labels"\?$/],
    ['name: x, finalizers: [a/b]', /unknown field "finalizers"/],
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
  'image: a, env: [{name: "a b.c-d"}, {name: 1A, value: "two\\nlines\\ttab"}]',
  'image: a, command: [a, "", "\\u202e\\n"]',
  'image: a, hostMountPath: /etc/host',
  'image: a, hostMountPath: //host/',
  'image: a, imagePullSecrets: [{}, {name: ""}, {name: regcred}]',
  'image: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: "0", containerName: nodeop}}}]',
  'image: a, env: [{name: A, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: "metadata.annotations[\'A/b\']"}}}]',
  'image: a, resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: 1, memory: 1024Mi}}',
])('what it takes is taken: %s', (spec) => {
  expect(problems(spec)).toBe('');
});
