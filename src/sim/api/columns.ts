import { at, isRecord, type Obj, textOf } from '../store/object.ts';

/** One column of what `kubectl get` prints; those of `wide` are shown with `-o wide` alone. */
export interface Column {
  name: string;
  type: string;
  value: (object: Obj) => unknown;
  wide: boolean;
}

type Value = (object: Obj) => unknown;

const column = (name: string, value: Value, type = 'string', wide = false): Column => ({
  name,
  type,
  value,
  wide,
});
const wide = (name: string, value: Value): Column => column(name, value, 'string', true);
/** What stands at a path; what kubectl prints of nothing when there is none. */
const path =
  (where: string, absent: unknown = '<none>'): Value =>
  (object) =>
    at(object, where) ?? absent;
const count = (name: string, where: string) => column(name, path(where, 0), 'integer');

export const NAME = column('Name', ({ metadata }) => metadata.name);
export const AGE = column('Age', ({ metadata }) => ageText(metadata.creationTimestamp));
const CREATED = column('Created At', ({ metadata }) => metadata.creationTimestamp);

const template = [
  wide('Containers', (object) => containers(object, 'name')),
  wide('Images', (object) => containers(object, 'image')),
];
const SELECTOR = wide('Selector', (object) => selectorText(at(object, 'spec.selector')));
const BINDING = [
  NAME,
  column(
    'Role',
    (binding) => `${textOf(at(binding, 'roleRef.kind'))}/${textOf(at(binding, 'roleRef.name'))}`,
  ),
  AGE,
  ...(['User', 'Group', 'ServiceAccount'] as const).map((kind) =>
    wide(`${kind}s`, (binding) => subjects(binding, kind)),
  ),
];

/** The columns of the built-in kinds, as Kubernetes' own printers have them. */
const COLUMNS: Record<string, Column[]> = {
  Node: [
    NAME,
    column('Status', nodeStatus),
    column('Roles', roles),
    AGE,
    column('Version', path('status.nodeInfo.kubeletVersion', '')),
    wide('Internal-IP', (node) => address(node, 'InternalIP')),
    wide('External-IP', (node) => address(node, 'ExternalIP')),
    wide('OS-Image', path('status.nodeInfo.osImage', '<unknown>')),
    wide('Kernel-Version', path('status.nodeInfo.kernelVersion', '<unknown>')),
    wide('Container-Runtime', path('status.nodeInfo.containerRuntimeVersion', '<unknown>')),
  ],
  Pod: [
    NAME,
    column('Ready', readyOf),
    column('Status', podStatus),
    column(
      'Restarts',
      (pod) => Math.max(0, ...statusesOf(pod).map((it) => Number(it['restartCount']))),
      'integer',
    ),
    AGE,
    wide('IP', path('status.podIP')),
    wide('Node', path('spec.nodeName')),
    wide('Nominated Node', path('status.nominatedNodeName')),
    wide('Readiness Gates', () => '<none>'),
  ],
  Job: [
    NAME,
    column('Status', jobStatus),
    column(
      'Completions',
      (job) => `${numberAt(job, 'status.succeeded')}/${numberAt(job, 'spec.completions', 1)}`,
    ),
    column('Duration', jobDuration),
    AGE,
    ...template,
    SELECTOR,
  ],
  Namespace: [NAME, column('Status', path('status.phase', 'Active')), AGE],
  PodDisruptionBudget: [
    NAME,
    column('Min Available', path('spec.minAvailable', 'N/A')),
    column('Max Unavailable', path('spec.maxUnavailable', 'N/A')),
    count('Allowed Disruptions', 'status.disruptionsAllowed'),
    AGE,
  ],
  Event: [
    column('Last Seen', (event) => ageText(event['lastTimestamp'] ?? event['eventTime'])),
    column('Type', path('type')),
    column('Reason', path('reason')),
    column('Object', eventObject),
    wide('Subobject', path('involvedObject.fieldPath', '')),
    wide('Source', path('source.component', '')),
    column('Message', (event) => textOf(event['message']).trim()),
    wide('First Seen', (event) => ageText(event['firstTimestamp'] ?? event['eventTime'])),
    column('Count', path('count', 1), 'integer', true),
    { ...NAME, wide: true },
  ],
  Lease: [NAME, column('Holder', path('spec.holderIdentity', '')), AGE],
  DaemonSet: [
    NAME,
    count('Desired', 'status.desiredNumberScheduled'),
    count('Current', 'status.currentNumberScheduled'),
    count('Ready', 'status.numberReady'),
    count('Up-to-date', 'status.updatedNumberScheduled'),
    count('Available', 'status.numberAvailable'),
    column('Node Selector', (set) => labelsText(at(set, 'spec.template.spec.nodeSelector'))),
    AGE,
    ...template,
    SELECTOR,
  ],
  Deployment: [
    NAME,
    column('Ready', readyReplicas),
    count('Up-to-date', 'status.updatedReplicas'),
    count('Available', 'status.availableReplicas'),
    AGE,
    ...template,
    SELECTOR,
  ],
  ReplicaSet: [
    NAME,
    column('Desired', (set) => numberAt(set, 'spec.replicas', 1), 'integer'),
    count('Current', 'status.replicas'),
    count('Ready', 'status.readyReplicas'),
    AGE,
    ...template,
    SELECTOR,
  ],
  StatefulSet: [NAME, column('Ready', readyReplicas), AGE, ...template],
  Secret: [
    NAME,
    column('Type', path('type', 'Opaque')),
    column('Data', keys('data', 'stringData'), 'integer'),
    AGE,
  ],
  ConfigMap: [NAME, column('Data', keys('data', 'binaryData'), 'integer'), AGE],
  ServiceAccount: [NAME, column('Secrets', keys('secrets'), 'integer'), AGE],
  ResourceQuota: [NAME, column('Request', quotaText), column('Limit', () => ''), AGE],
  CustomResourceDefinition: [NAME, CREATED],
  Service: [
    NAME,
    column('Type', path('spec.type', 'ClusterIP')),
    column('Cluster-IP', path('spec.clusterIP')),
    column('External-IP', () => '<none>'),
    column('Port(s)', ports),
    AGE,
    wide('Selector', (service) => labelsText(at(service, 'spec.selector'))),
  ],
  NetworkPolicy: [
    NAME,
    column('Pod-Selector', (policy) => selectorText(at(policy, 'spec.podSelector'))),
    AGE,
  ],
  Ingress: [
    NAME,
    column('Class', path('spec.ingressClassName')),
    column(
      'Hosts',
      (ingress) =>
        records(ingress, 'spec.rules')
          .map(({ host }) => textOf(host) || '*')
          .join(',') || '*',
    ),
    column('Address', () => ''),
    column('Ports', (ingress) => (at(ingress, 'spec.tls') === undefined ? '80' : '80, 443')),
    AGE,
  ],
  Role: [NAME, CREATED],
  ClusterRole: [NAME, CREATED],
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
};

export const columnsOf = (kind: string): Column[] => COLUMNS[kind] ?? [NAME, AGE];

/** As kubectl writes spans of time (k8s.io/apimachinery, `duration.HumanDuration`). */
function spanText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ];
  const both = (large: number, unit: string, rest: number, small: string) =>
    rest === 0 ? `${large}${unit}` : `${large}${unit}${rest}${small}`;
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return both(minutes, 'm', seconds % 60, 's');
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return both(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  return days < 8 ? both(days, 'd', hours % 24, 'h') : `${days}d`;
}

export function ageText(since: unknown): string {
  const time = Date.parse(textOf(since));
  return Number.isNaN(time) ? '<unknown>' : spanText(Date.now() - time);
}

const numberAt = (object: Obj, where: string, absent = 0) => Number(at(object, where) ?? absent);

function records(object: unknown, where: string): Record<string, unknown>[] {
  const found = at(object, where);
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

function keys(...fields: string[]): Value {
  return (object) =>
    new Set(fields.flatMap((field) => Object.keys((object[field] as object | undefined) ?? {}))).size;
}

function containers(object: Obj, field: 'name' | 'image'): string {
  return records(object, 'spec.template.spec.containers')
    .map((it) => textOf(it[field]))
    .join(',');
}

function subjects(binding: Obj, kind: string): string {
  const found = records(binding, 'subjects').filter((it) => it['kind'] === kind);
  return found
    .map(({ namespace, name }) =>
      namespace === undefined ? textOf(name) : `${textOf(namespace)}/${textOf(name)}`,
    )
    .join(', ');
}

function labelsText(labels: unknown): string {
  const pairs = isRecord(labels) ? Object.entries(labels) : [];
  return pairs.map(([key, value]) => `${key}=${textOf(value)}`).join(',') || '<none>';
}

function selectorText(selector: unknown): string {
  const labels = at(selector, 'matchLabels');
  const pairs = isRecord(labels)
    ? Object.entries(labels).map(([key, value]) => `${key}=${textOf(value)}`)
    : [];
  const terms = records(selector, 'matchExpressions').map(({ key, operator, values }) => {
    const list = Array.isArray(values) ? ` (${values.map(textOf).join(',')})` : '';
    return operator === 'DoesNotExist'
      ? `!${textOf(key)}`
      : `${textOf(key)}${list === '' ? '' : ` ${textOf(operator).toLowerCase()}${list}`}`;
  });
  return [...pairs, ...terms].join(',') || '<none>';
}

function ports(service: Obj): string {
  return records(service, 'spec.ports')
    .map(({ port, protocol }) => `${textOf(port)}/${textOf(protocol) || 'TCP'}`)
    .join(',');
}

function quotaText(quota: Obj): string {
  const hard = at(quota, 'spec.hard');
  const limits = isRecord(hard) ? Object.entries(hard) : [];
  return limits
    .map(
      ([key, limit]) =>
        `${key}: ${textOf(at(quota, `status.used`) && (at(quota, 'status.used') as Record<string, unknown>)[key]) || '0'}/${textOf(limit)}`,
    )
    .join(', ');
}

function eventObject(event: Obj): string {
  return `${textOf(at(event, 'involvedObject.kind')).toLowerCase()}/${textOf(at(event, 'involvedObject.name'))}`;
}

function readyReplicas(object: Obj): string {
  return `${numberAt(object, 'status.readyReplicas')}/${numberAt(object, 'spec.replicas', 1)}`;
}

function address(node: Obj, type: string): unknown {
  return records(node, 'status.addresses').find((it) => it['type'] === type)?.['address'] ?? '<none>';
}

function conditionStatus(object: Obj, type: string): unknown {
  return records(object, 'status.conditions').find((one) => one['type'] === type)?.['status'];
}

function nodeStatus(node: Obj): string {
  const ready = conditionStatus(node, 'Ready') === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.['unschedulable'] === true ? `${ready},SchedulingDisabled` : ready;
}

function roles(node: Obj): string {
  const prefix = 'node-role.kubernetes.io/';
  const found = Object.keys(node.metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  return (
    found
      .map((label) => label.slice(prefix.length))
      .toSorted()
      .join(',') || '<none>'
  );
}

const statusesOf = (pod: Obj) => records(pod, 'status.containerStatuses');

function readyOf(pod: Obj): string {
  const all = records(pod, 'spec.containers').length;
  return `${statusesOf(pod).filter(({ ready }) => ready === true).length}/${all}`;
}

/** The reason of the first container that waits or has ended, as kubectl's servers put it; one beside that still runs is told of. */
function podStatus(pod: Obj): unknown {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const states = statusesOf(pod).map(({ state }) => state);
  const reasons = states.map((state) => at(state, 'waiting.reason') ?? at(state, 'terminated.reason'));
  const reason = reasons.find((it) => it !== undefined);
  const runs = states.some((state) => at(state, 'running') !== undefined);
  if (reason === 'Completed' && runs) return 'NotReady';
  return at(pod, 'status.reason') ?? reason ?? at(pod, 'status.phase');
}

function jobStatus(job: Obj): string {
  if (conditionStatus(job, 'Complete') === 'True') return 'Complete';
  if (conditionStatus(job, 'Failed') === 'True') return 'Failed';
  return job.metadata.deletionTimestamp === undefined ? 'Running' : 'Terminating';
}

function jobDuration(job: Obj): string {
  const [from, to] = ['status.startTime', 'status.completionTime'].map((where) => textOf(at(job, where)));
  if (from === undefined || from === '') return '';
  return spanText((to === undefined || to === '' ? Date.now() : Date.parse(to)) - Date.parse(from));
}
