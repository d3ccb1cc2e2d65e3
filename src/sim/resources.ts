/** The resources the embedded cluster serves: one line each, everything else follows from it. */
export interface ResourceType {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  status: boolean;
  shortNames: string[];
  subresources: string[];
}

const row = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  scope: 'cluster' | 'namespaced',
  options: { status?: boolean; short?: string[]; sub?: string[] } = {},
): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced: scope === 'namespaced',
  status: options.status ?? false,
  shortNames: options.short ?? [],
  subresources: options.sub ?? [],
});

export const BUILT_IN: readonly ResourceType[] = [
  row('', 'v1', 'namespaces', 'Namespace', 'cluster', { status: true, short: ['ns'] }),
  row('', 'v1', 'nodes', 'Node', 'cluster', { status: true, short: ['no'] }),
  row('', 'v1', 'pods', 'Pod', 'namespaced', { status: true, short: ['po'], sub: ['eviction', 'log'] }),
  row('', 'v1', 'events', 'Event', 'namespaced', { short: ['ev'] }),
  row('', 'v1', 'secrets', 'Secret', 'namespaced'),
  row('', 'v1', 'configmaps', 'ConfigMap', 'namespaced', { short: ['cm'] }),
  row('', 'v1', 'serviceaccounts', 'ServiceAccount', 'namespaced', { short: ['sa'] }),
  row('', 'v1', 'resourcequotas', 'ResourceQuota', 'namespaced', { status: true, short: ['quota'] }),
  row('batch', 'v1', 'jobs', 'Job', 'namespaced', { status: true }),
  row('apps', 'v1', 'daemonsets', 'DaemonSet', 'namespaced', { status: true, short: ['ds'] }),
  row('apps', 'v1', 'deployments', 'Deployment', 'namespaced', { status: true, short: ['deploy'] }),
  row('apps', 'v1', 'statefulsets', 'StatefulSet', 'namespaced', { status: true, short: ['sts'] }),
  row('apps', 'v1', 'replicasets', 'ReplicaSet', 'namespaced', { status: true, short: ['rs'] }),
  row('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', 'namespaced', {
    status: true,
    short: ['pdb'],
  }),
  row('coordination.k8s.io', 'v1', 'leases', 'Lease', 'namespaced'),
  row('apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition', 'cluster', {
    status: true,
    short: ['crd', 'crds'],
  }),
];

export const apiVersionOf = (type: ResourceType): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

/** Key of a resource in the store: `jobs.batch`, `pods`. */
export const keyOf = (type: ResourceType): string =>
  type.group === '' ? type.plural : `${type.plural}.${type.group}`;
