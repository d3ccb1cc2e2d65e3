import { at, isRecord, type Obj } from '../store/object.ts';
import type { PrinterColumn } from './crd.ts';

/** What `kubectl get` prints: `meta.k8s.io/v1` Table. */
type Column = [name: string, type: string, value: (object: Obj) => unknown];

const age: Column = ['Age', 'string', (object) => ageText(object.metadata.creationTimestamp)];
const name: Column = ['Name', 'string', (object) => object.metadata.name];

const COLUMNS: Record<string, Column[]> = {
  Node: [
    ['Status', 'string', nodeStatus],
    ['Roles', 'string', roles],
    age,
    ['Version', 'string', (node) => at(node, 'status.nodeInfo.kubeletVersion')],
  ],
  Pod: [
    ['Ready', 'string', readyOf],
    ['Status', 'string', podStatus],
    ['Restarts', 'integer', (pod) => Math.max(0, ...statusesOf(pod).map((it) => Number(it['restartCount'])))],
    age,
    ['Node', 'string', (pod) => at(pod, 'spec.nodeName')],
  ],
  Job: [
    ['Status', 'string', jobStatus],
    ['Completions', 'string', (job) => `${Number(at(job, 'status.succeeded') ?? 0)}/1`],
    age,
  ],
  Namespace: [['Status', 'string', () => 'Active'], age],
};

export function table(items: Obj[], version: string, more: string | undefined, custom?: PrinterColumn[]) {
  const own: Column[] | undefined = custom?.map((column) => [
    column.name,
    column.type === 'date' ? 'string' : column.type,
    (object) => {
      const value = at(object, column.jsonPath.replace(/^\./, ''));
      return column.type === 'date' ? ageText(value) : value;
    },
  ]);
  const columns: Column[] = [name, ...(own?.length ? own : (COLUMNS[items[0]?.kind ?? ''] ?? [age]))];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: version, ...(more === undefined ? {} : { continue: more }) },
    columnDefinitions: columns.map(([label, type]) => ({
      name: label,
      type,
      format: '',
      description: '',
      priority: 0,
    })),
    rows: items.map((object) => ({
      cells: columns.map(([, , value]) => value(object) ?? ''),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  };
}

function ageText(created: unknown): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(String(created))) / 1000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3600)}h`;
}

function conditionStatus(object: Obj, type: string): unknown {
  const conditions = at(object, 'status.conditions');
  return Array.isArray(conditions)
    ? conditions.filter(isRecord).find((one) => one['type'] === type)?.['status']
    : undefined;
}

function nodeStatus(node: Obj): string {
  const ready = conditionStatus(node, 'Ready') === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.['unschedulable'] === true ? `${ready},SchedulingDisabled` : ready;
}

function roles(node: Obj): string {
  const prefix = 'node-role.kubernetes.io/';
  const found = Object.keys(node.metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  return found.map((label) => label.slice(prefix.length)).join(',') || '<none>';
}

function statusesOf(pod: Obj): Record<string, unknown>[] {
  const list = at(pod, 'status.containerStatuses');
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function readyOf(pod: Obj): string {
  const containers = at(pod, 'spec.containers');
  const all = Array.isArray(containers) ? containers.length : 1;
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
  return conditionStatus(job, 'Failed') === 'True' ? 'Failed' : 'Running';
}
