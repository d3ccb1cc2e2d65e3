import { describe, expect, test } from 'vitest';
import { type CheckAccess, CheckAccessSchema } from '../../../src/api/check-access.ts';
import { NodeOpSpecSchema } from '../../../src/api/nodeop.ts';
import { formatProblem } from '../../../src/api/schema.ts';
import { barredChecks } from '../../../src/core/checks/barred.ts';
import { checkPod } from '../../../src/core/checks/pod.ts';
import { prepareRun } from '../../../src/core/runs/prepare.ts';

const specOf = (...checks: object[]) =>
  NodeOpSpecSchema.parse({
    image: 'busybox:1.36.1',
    command: ['true'],
    env: [{ name: 'TOKEN', value: 'secret' }],
    imagePullSecrets: [{ name: 'registry' }],
    tolerations: [{ operator: 'Exists' }],
    steps: [{ name: 'canary', upTo: 1, checks }],
  });
const OWNER = { namespace: 'ops', name: 'flash', uid: 'u1' };
const TRY = { step: 0, check: 0, number: 1 };

describe('the pod of a check', () => {
  const spec = specOf({ command: { image: 'curl:8', command: ['curl', 'http://shop'] }, timeoutSeconds: 7 });
  const pod = checkPod(OWNER, spec, TRY);

  test('has no way to the host, to the cluster, or to more rights (Pod Security "restricted")', () => {
    const { securityContext, containers, volumes, hostPID, hostNetwork, automountServiceAccountToken } =
      pod.spec ?? { containers: [] };
    expect([volumes, hostPID, hostNetwork, automountServiceAccountToken]).toEqual([
      undefined,
      undefined,
      undefined,
      false,
    ]);
    expect(securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(containers.map((it) => it.securityContext)).toEqual([
      { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    ]);
  });

  test('runs the command once, in its own image, within its time, and knows nothing of the operation', () => {
    expect(pod.spec).toMatchObject({
      restartPolicy: 'Never',
      activeDeadlineSeconds: 7,
      imagePullSecrets: [{ name: 'registry' }],
      containers: [{ image: 'curl:8', command: ['curl', 'http://shop'] }],
    });
    expect(pod.spec?.containers[0]?.env).toBeUndefined();
  });

  test('is left to the scheduler, and tolerates no cordon whatever the spec tolerates', () => {
    expect(pod.spec?.nodeName).toBeUndefined();
    expect(pod.spec?.tolerations?.map(({ key }) => key)).toEqual([
      'node-role.kubernetes.io/control-plane',
      'node-role.kubernetes.io/master',
    ]);
  });

  test('has a name of its own for each try, and the labels by which it is found again', () => {
    const names = [1, 2].map((number) => checkPod(OWNER, spec, { ...TRY, number }).metadata.name);
    expect(new Set([...names, checkPod({ ...OWNER, uid: 'u2' }, spec, TRY).metadata.name]).size).toBe(3);
    expect(pod.metadata.labels).toEqual({
      'kairos.io/nodeop': 'flash',
      'agent.nodeop.dev/nodeop-uid': 'u1',
      'agent.nodeop.dev/check': '0.0.1',
    });
    expect(pod.metadata.ownerReferences).toMatchObject([{ uid: 'u1', controller: true }]);
  });
});

describe('checks whose requests may go nowhere', () => {
  const access = CheckAccessSchema.parse({
    allowedHosts: ['https://shop.example.org'],
    credentials: [{ name: 'shop', url: 'https://shop.example.org/api', headersFile: '/etc/shop' }],
  });
  const problems = (...checks: object[]) => barredChecks(specOf(...checks), access).map(formatProblem);

  test('are told at their place', () => {
    expect(
      problems(
        { http: { url: 'https://shop.example.org/healthz' } },
        { http: { url: 'https://shop.example.org:8443/healthz' } },
        { prometheus: { url: 'http://prometheus:9090', query: 'up' } },
        { http: { url: 'https://shop.example.org/apis' }, credentials: 'shop' },
        { http: { url: 'https://shop.example.org/api/health' }, credentials: 'other' },
        { command: { command: ['true'] } },
      ),
    ).toEqual([
      "steps[0].checks[1].http.url: https://shop.example.org:8443 is not among checks.allowedHosts of the agent's configuration",
      "steps[0].checks[2].prometheus.url: http://prometheus:9090 is not among checks.allowedHosts of the agent's configuration",
      'steps[0].checks[3].credentials: "shop" are for https://shop.example.org/api only',
      `steps[0].checks[4].credentials: "other" is not among checks.credentials of the agent's configuration`,
    ]);
  });

  test('are not known without a configuration', () => {
    expect(barredChecks(specOf({ http: { url: 'https://a.example' } }), undefined)).toEqual([]);
  });
});

describe('a run whose check may not ask', () => {
  const access = CheckAccessSchema.parse({ allowedHosts: ['https://shop.example.org'] });
  const context = {
    layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
    namespace: 'ops',
    definitions: [],
  };
  const prepare = (url: string, checkAccess?: CheckAccess) => {
    const text = [
      'apiVersion: operator.kairos.io/v1alpha1',
      'kind: NodeOp',
      'metadata: {name: flash}',
      'spec:',
      '  image: busybox',
      '  command: ["true"]',
      '  steps:',
      '    - name: canary',
      '      checks:',
      '        - http:',
      `            url: ${url}`,
    ].join('\n');
    const content = new TextEncoder().encode(text);
    const source = { path: 'runs/a.yaml', mode: '100644', blob: '', commit: '', content };
    return prepareRun(source, { ...context, checkAccess });
  };

  test('is invalid, told with line and column', () => {
    expect(prepare('https://other.example.org/', access)).toMatchObject({
      ok: false,
      problems: [
        {
          line: 11,
          column: 13,
          message:
            "https://other.example.org:443 is not among checks.allowedHosts of the agent's configuration",
        },
      ],
    });
  });

  test.each([
    ['https://SHOP.example.org:443/healthz', access],
    ['https://other.example.org/', undefined],
  ])('%s is fine', (url, known) => {
    expect(prepare(url, known)).toMatchObject({ ok: true });
  });
});
