import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { mainJob, preflightPod, rebootPod } from '../../src/core/rollout/manifests.ts';

const LABEL = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const owner = { namespace: 'ops', name: 'flash', uid: 'uid-1' };
const specOf = (changes: object = {}) =>
  NodeOpSpecSchema.parse({
    image: 'busybox',
    command: ['flash'],
    preflight: { command: ['check'], activeDeadlineSeconds: 7 },
    ...changes,
  });
const podsOf = (spec = specOf(), by = owner, node = 'node-1') => ({
  job: mainJob(by, spec, node).spec?.template.spec,
  preflight: preflightPod(by, spec, node).spec,
  reboot: rebootPod(by, spec, node, 'boot-1').spec,
});

test('the Job runs the command once per attempt, privileged, on its node, with the host’s root', () => {
  const { spec } = mainJob(owner, specOf({ backoffLimit: 2, activeDeadlineSeconds: 9 }), 'node-1');
  expect(spec).toMatchObject({ backoffLimit: 2, activeDeadlineSeconds: 9 });
  expect(spec?.template.spec).toMatchObject({
    nodeName: 'node-1',
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    containers: [
      {
        command: ['flash'],
        env: [{ name: 'HOST_DIR', value: '/host' }],
        securityContext: { privileged: true },
        volumeMounts: [{ mountPath: '/host', readOnly: false }],
      },
    ],
    volumes: [{ hostPath: { path: '/' } }],
  });
});

test('a preflight sees the host read-only and within its time; a reboot pod sees its processes and never starts again', () => {
  const { preflight, reboot } = podsOf();
  expect(preflight).toMatchObject({ restartPolicy: 'OnFailure', activeDeadlineSeconds: 7 });
  expect(preflight?.containers[0]?.volumeMounts).toMatchObject([{ readOnly: true }]);
  expect(reboot).toMatchObject({ hostPID: true, restartPolicy: 'Never', nodeName: 'node-1' });
  expect(reboot?.containers[0]?.env).toContainEqual({ name: 'BOOT_ID', value: 'boot-1' });
});

test('no pod is driven off its node by a taint, unless the NodeOp says which it bears', () => {
  for (const spec of Object.values(podsOf())) expect(spec?.tolerations).toEqual([{ operator: 'Exists' }]);
  const tolerations = [{ key: 'gpu', operator: 'Exists' as const }];
  for (const spec of Object.values(podsOf(specOf({ tolerations }))))
    expect(spec?.tolerations).toEqual(tolerations);
});

test('resources are those written; absent, the pods beside the command get the little that the reference gives them', () => {
  const resourcesOf = (spec = specOf()) => {
    const { job, preflight, reboot } = podsOf(spec);
    return [job, preflight, reboot].map((it) => it?.containers[0]?.resources);
  };
  const little = { cpu: '200m', memory: '128Mi' };
  const both = { requests: little, limits: little };
  expect(resourcesOf()).toEqual([undefined, both, both]);
  expect(resourcesOf(specOf({ resources: {}, preflightResources: {}, rebootResources: {} }))).toEqual([
    {},
    {},
    {},
  ]);
  const own = [{ limits: { memory: '1Gi' } }, { requests: { cpu: 1 } }, { limits: { cpu: '1.5' } }] as const;
  const [resources, preflightResources, rebootResources] = own;
  expect(resourcesOf(specOf({ resources, preflightResources, rebootResources }))).toEqual(own);
});

test.each(['lots', '1 Gi', 0.5, true])('%j is no quantity', (memory) => {
  const parsed = NodeOpSpecSchema.safeParse({ ...specOf(), resources: { limits: { memory } } });
  expect(parsed.error?.issues).toMatchObject([
    {
      path: ['resources', 'limits', 'memory'],
      message: expect.stringContaining('expected a quantity') as unknown,
    },
  ]);
});

test('a command that was disrupted or lost is not run again, nor beside one that is still ending', () => {
  const job = mainJob(owner, specOf({ backoffLimit: 2 }), 'node-1').spec;
  expect(job).toMatchObject({
    podReplacementPolicy: 'Failed',
    podFailurePolicy: {
      rules: [
        { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        { action: 'FailJob', onExitCodes: { operator: 'In', values: [137, 143, 255] } },
      ],
    },
  });
  const named = job?.podFailurePolicy?.rules.map(({ onExitCodes }) => onExitCodes?.containerName);
  expect(named).toEqual([undefined, job?.template.spec.containers[0]?.name]);
  const again = mainJob(owner, specOf({ retryAfterDisruption: true }), 'node-1').spec;
  expect(again).toHaveProperty('podReplacementPolicy', 'Failed');
  expect(again).not.toHaveProperty('podFailurePolicy');
});

test('a pod told to stop is gone within ten seconds', () => {
  for (const spec of Object.values(podsOf())) expect(spec?.terminationGracePeriodSeconds).toBe(10);
});

test('labels are valid and names distinct, however long the names are', () => {
  const long = { ...owner, name: `${'flash.firmware-'.repeat(16)}x` };
  const node = `${'rack-1.'.repeat(30)}example.org`;
  const spec = specOf();
  const made = [mainJob(long, spec, node), preflightPod(long, spec, node), rebootPod(long, spec, node, 'b')];
  for (const { metadata } of made) {
    for (const value of Object.values(metadata.labels ?? {})) expect(value).toMatch(LABEL);
    expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    expect(metadata.annotations).toEqual({ 'agent.nodeop.dev/node': node });
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'NodeOp', uid: 'uid-1', controller: true }]);
  }
  expect(new Set(made.map(({ metadata }) => metadata.name)).size).toBe(3);
});
