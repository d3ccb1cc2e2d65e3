import { dump } from 'js-yaml';
import { beforeAll, expect, test } from 'vitest';
import { hasKubectl, kubectl } from '../support/kubectl.ts';
import { podSpec, SLEEP, useTarget } from './target.ts';

/** What people type, in this order, and the shape of what they read: the same on every cluster. */
const target = useTarget();
let node = '';
beforeAll(async () => {
  const { body } = await target.it.call('GET', '/api/v1/nodes');
  node = body.items.map(({ metadata }) => metadata.name ?? '').at(-1) ?? '';
});

const job = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: { template: { spec: podSpec(`echo said by ${name}`) } },
});
const workload = (kind: string, name: string, more: object) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec(SLEEP, { restartPolicy: 'Always' }) },
    ...more,
  },
});
const configMap = (value: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data: { color: value },
});
const objects = () => [
  job('one'),
  job('two'),
  workload('Deployment', 'web', { replicas: 2 }),
  workload('DaemonSet', 'each', {}),
  {
    apiVersion: target.it.budgets,
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  },
  {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'leader' },
    spec: { holderIdentity: 'somebody' },
  },
  configMap('red'),
];
const event = (uid: string | undefined) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'one.happened', namespace: target.it.namespace },
  involvedObject: { apiVersion: 'batch/v1', kind: 'Job', name: 'one', namespace: target.it.namespace, uid },
  type: 'Warning',
  reason: 'Happened',
  message: 'to be read',
  source: { component: 'test' },
  firstTimestamp: new Date().toISOString(),
  lastTimestamp: new Date().toISOString(),
  count: 1,
});
const stream = (...all: object[]) => all.map((it) => dump(it)).join('---\n');

/** Events are found by the uid of what they are about. */
async function happened(): Promise<string> {
  const { body } = await target.it.call('GET', target.it.group('batch/v1', 'jobs', 'one'));
  return stream(event(body.metadata.uid));
}

type Step = [
  command: string,
  shape: RegExp,
  more?: { input?: () => string | Promise<string>; code?: number },
];
const steps: Step[] = [
  ['version', /^Server Version: v1\./m],
  ['cluster-info', /control plane.* is running at/],
  ['api-versions', /^batch\/v1$/m],
  ['api-resources --api-group=batch', /^jobs +batch\/v1 +true +Job$/m],
  ['auth can-i create jobs', /^yes$/m],
  ['auth can-i --list', /^\*\.\* +\[\] +\[\] +\[\*\]$/m],
  ['explain jobs', /KIND: +Job\nVERSION: +(batch\/)?v1\n[\s\S]*FIELDS:[\s\S]*spec\t<\w+>/],
  [
    'apply -f -',
    /^job\.batch\/one created$[\s\S]*^configmap\/settings created$/m,
    { input: () => stream(...objects()) },
  ],
  [
    'apply -f -',
    /^job\.batch\/one unchanged$[\s\S]*^configmap\/settings unchanged$/m,
    { input: () => stream(...objects()) },
  ],
  ['create -f -', /^event\/one\.happened created$/m, { input: happened }],
  ['create secret generic token --from-literal=token=secret', /^secret\/token created$/m],
  ['get secret token -o go-template={{.data.token|base64decode}}', /^secret$/],
  [
    'create configmap other --from-literal=a=b --dry-run=server',
    /^configmap\/other created \(server dry run\)$/m,
  ],
  ['get configmap other', /NotFound/, { code: 1 }],
  ['create serviceaccount worker', /^serviceaccount\/worker created$/m],
  ['create job typed --image=busybox:latest -- true', /^job\.batch\/typed created$/m],
  ['wait --for=condition=complete job/one job/two --timeout=60s', /^job\.batch\/two condition met$/m],
  ['logs job/one', /^said by one\n$/],
  ['logs job/two --tail=1', /^said by two\n$/],
  ['rollout status deployment/web --timeout=60s', /successfully rolled out/],
  ['rollout status daemonset/each --timeout=60s', /successfully rolled out/],
  [
    'get deployments -o wide',
    /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +2\/2 +2 +2 +\d+s +main +busybox:latest +app=web$/m,
  ],
  [
    'get daemonsets',
    /^NAME +DESIRED +CURRENT +READY +UP-TO-DATE +AVAILABLE +NODE SELECTOR +AGE\neach +(\d+) +\1 +\1 +\1 +\1 +<none> +\d+s$/m,
  ],
  ['get pdb', /^NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE\nweb +1 +N\/A +1 +\d+s$/m],
  ['get lease leader', /^NAME +HOLDER +AGE\nleader +somebody +\d+s$/m],
  [
    'get jobs one -o wide',
    /^NAME +(STATUS +)?COMPLETIONS +DURATION +AGE +CONTAINERS +IMAGES +SELECTOR\none +(Complete +)?1\/1 +\d+s +\d+s +main +busybox:latest +\S*controller-uid=\S+$/m,
  ],
  [
    'get events --field-selector=reason=Happened',
    /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\d+s +Warning +Happened +job\/one +to be read$/m,
  ],
  [
    'get nodes -o wide',
    /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME\n\S+ +Ready /m,
  ],
  [
    'get pods -l app=web -o wide',
    /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\nweb-\S+ +1\/1 +Running +0 /m,
  ],
  [
    'get replicasets,configmaps,secrets,serviceaccounts',
    /^NAME +DESIRED +CURRENT +READY +AGE\nreplicaset\.apps\/web-[\s\S]*^configmap\/settings +1 [\s\S]*^secret\/token +Opaque +1 [\s\S]*^serviceaccount\/default +\d+ /m,
  ],
  ['get all', /^pod\/[\s\S]*^daemonset\.apps\/each [\s\S]*^deployment\.apps\/web [\s\S]*^job\.batch\/one /m],
  ['get pods -A --sort-by=.spec.nodeName -o name', /^pod\/web-/m],
  ['get pods -l app=web -o jsonpath={.items[*].status.phase}', /^Running Running$/],
  ['get pods -l app=nobody', /^No resources found in /m],
  [
    'describe job one',
    /^Name: +one$[\s\S]*^Pods Statuses: +0 Active.* \/ 1 Succeeded \/ 0 Failed$[\s\S]*Warning +Happened .*to be read$/m,
  ],
  ['describe pdb web', /^Min available: +1$[\s\S]*Allowed disruptions: +1$/m],
  ['describe node NODE', /^Capacity:\n +cpu: [\s\S]*^Allocated resources:\n/m],
  ['diff -f -', /^-  color: red\n\+  color: blue$/m, { input: () => stream(configMap('blue')), code: 1 }],
  ['patch configmap settings -p {"data":{"size":"7"}}', /^configmap\/settings patched$/m],
  ['label configmap settings team=a', /^configmap\/settings labeled$/m],
  ['annotate configmap settings note=b', /^configmap\/settings annotated$/m],
  ['get configmap settings -o yaml', /^ {2}size: "7"\n[\s\S]*^ {4}note: b$[\s\S]*^ {4}team: a$/m],
  ['replace -f -', /^configmap\/settings replaced$/m, { input: () => stream(configMap('green')) }],
  ['scale deployment web --replicas=3', /^deployment\.apps\/web scaled$/m],
  ['rollout status deployment/web --timeout=60s', /successfully rolled out/],
  ['get pods -l app=web --no-headers', /^(web-\S+ .*\n){3}$/],
  ['cordon NODE', /^node\/\S+ cordoned$/m],
  ['get node NODE', /^\S+ +Ready,SchedulingDisabled /m],
  [
    'drain NODE --ignore-daemonsets --delete-emptydir-data --pod-selector=app=web --grace-period=1 --timeout=90s',
    /^node\/\S+ drained$/m,
  ],
  ['uncordon NODE', /^node\/\S+ uncordoned$/m],
  ['delete job one two typed', /^job\.batch "two" deleted/m],
  ['delete pods -l app=web --wait=false', /^(pod "web-\S+" deleted.*\n){3}/m],
  [
    'delete deployment,daemonset,pdb --all',
    /^deployment\.apps "web" deleted[\s\S]*^daemonset\.apps "each" deleted/m,
  ],
];

test.skipIf(!hasKubectl)(
  `${steps.length} kubectl commands print what people expect (skipped where kubectl is missing)`,
  async () => {
    for (const [command, shape, { input, code = 0 } = {}] of steps) {
      const args = command.replace('NODE', node).split(' ');
      // oxlint-disable-next-line no-await-in-loop -- each goes on from what the one before has left
      const text = await input?.();
      // oxlint-disable-next-line no-await-in-loop
      const answer = await kubectl(target.it.kubeconfig, ['-n', target.it.namespace, ...args], text);
      expect(answer, `kubectl ${command}`).toEqual({ code, output: expect.stringMatching(shape) as string });
    }
  },
);

test.skipIf(!hasKubectl)('kubectl follows what changes (skipped where kubectl is missing)', async () => {
  const watched = kubectl(target.it.kubeconfig, [
    '-n',
    target.it.namespace,
    'get',
    'configmaps',
    '-l',
    'watched=yes',
    '--watch',
    '--request-timeout=5s',
  ]);
  const make = async () => {
    const made = { ...configMap('red'), metadata: { name: 'watched', labels: { watched: 'yes' } } };
    await target.it.make(target.it.core('configmaps'), made);
    await target.it.call('DELETE', target.it.core('configmaps', 'watched'));
  };
  const timer = setTimeout(() => void make(), 1_500);
  const { output } = await watched;
  clearTimeout(timer);
  expect(output).toMatch(/^NAME +DATA +AGE\n(watched +1 +\d+s\n){2}/m);
});
