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
  /** What can be done with it, when that is not everything. */
  verbs?: string[];
}

const row = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  scope: 'cluster' | 'namespaced',
  options: { status?: boolean; short?: string[]; sub?: string[]; verbs?: string[] } = {},
): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced: scope === 'namespaced',
  status: options.status ?? false,
  shortNames: options.short ?? [],
  subresources: options.sub ?? [],
  ...(options.verbs === undefined ? {} : { verbs: options.verbs }),
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
  row('apps', 'v1', 'daemonsets', 'DaemonSet', 'namespaced', { status: true, short: ['ds'] }),
  row('apps', 'v1', 'deployments', 'Deployment', 'namespaced', {
    status: true,
    short: ['deploy'],
    sub: ['scale'],
  }),
  row('apps', 'v1', 'statefulsets', 'StatefulSet', 'namespaced', {
    status: true,
    short: ['sts'],
    sub: ['scale'],
  }),
  row('apps', 'v1', 'replicasets', 'ReplicaSet', 'namespaced', {
    status: true,
    short: ['rs'],
    sub: ['scale'],
  }),
  row('batch', 'v1', 'jobs', 'Job', 'namespaced', { status: true }),
  row('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', 'namespaced', {
    status: true,
    short: ['pdb'],
  }),
  row('coordination.k8s.io', 'v1', 'leases', 'Lease', 'namespaced'),
  // Nothing acts on these; they are there so that an installation can be applied and looked at.
  row('', 'v1', 'services', 'Service', 'namespaced', { status: true, short: ['svc'] }),
  row('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy', 'namespaced', { short: ['netpol'] }),
  row('networking.k8s.io', 'v1', 'ingresses', 'Ingress', 'namespaced', { status: true, short: ['ing'] }),
  row('rbac.authorization.k8s.io', 'v1', 'roles', 'Role', 'namespaced'),
  row('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding', 'namespaced'),
  row('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', 'cluster'),
  row('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding', 'cluster'),
  // Questions of clients about themselves: answered, not stored.
  ...['SelfSubjectAccessReview', 'SelfSubjectRulesReview'].map((kind) =>
    row('authorization.k8s.io', 'v1', `${kind.toLowerCase()}s`, kind, 'cluster', { verbs: ['create'] }),
  ),
  row('authentication.k8s.io', 'v1', 'selfsubjectreviews', 'SelfSubjectReview', 'cluster', {
    verbs: ['create'],
  }),
  // And about others.
  row('authorization.k8s.io', 'v1', 'subjectaccessreviews', 'SubjectAccessReview', 'cluster', {
    verbs: ['create'],
  }),
  row('authentication.k8s.io', 'v1', 'tokenreviews', 'TokenReview', 'cluster', { verbs: ['create'] }),
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
