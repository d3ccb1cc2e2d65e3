import { loadAll } from 'js-yaml';

/** What a request wants, in the words of rbac.authorization.k8s.io. */
export interface AccessRequest {
  verb: string;
  group: string;
  /** With its subresource: `pods/log`. */
  resource: string;
  namespace: string | undefined;
  name: string | undefined;
  /** Nothing of it is stored. No authorizer knows; admission does. */
  dryRun?: boolean;
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

export interface RbacObject {
  kind?: string;
  metadata?: { name?: string; namespace?: string };
  rules?: Rule[];
  roleRef?: { kind: string; name: string };
  subjects?: Subject[];
}

/** One thing a rule allows, in one namespace or (undefined) everywhere. */
interface Grant {
  group: string;
  resource: string;
  verb: string;
  names: string[] | undefined;
  namespace: string | undefined;
  used: boolean;
}

/** Somebody who makes requests, in the words of a SubjectAccessReview. */
export interface Requester {
  user: string;
  groups: readonly string[];
}

/** Whether the bindings among these objects grant somebody what a request wants; roles of people may have wildcards. */
export function isGranted(
  objects: readonly RbacObject[],
  { user, groups }: Requester,
  request: AccessRequest,
): boolean {
  if (groups.includes('system:masters')) return true;
  const isFor = ({ kind, name, namespace }: Subject) => {
    if (kind === 'User') return name === user;
    if (kind === 'Group') return groups.includes(name);
    return kind === 'ServiceAccount' && user === `system:serviceaccount:${namespace}:${name}`;
  };
  const bindings = objects.filter(({ subjects }) => subjects?.some(isFor) === true);
  return bindings.flatMap((it) => grantsOf(it, objects)).some((grant) => covers(grant, request, '*'));
}

/**
 * The RBAC authorizer for one ServiceAccount: what the bindings in some manifests grant it, and which of
 * that it ever used. Wildcards are not known here: least privilege has none.
 */
export class Rbac {
  private readonly grants: Grant[];

  /** `text` holds any manifests; `account` is `<namespace>/<name>`. */
  constructor(text: string, account: string) {
    const objects = loadAll(text) as RbacObject[];
    const isFor = ({ kind, name, namespace }: Subject) =>
      kind === 'ServiceAccount' && `${namespace}/${name}` === account;
    this.grants = objects
      .filter(({ subjects }) => subjects?.some(isFor) === true)
      .flatMap((binding) => grantsOf(binding, objects));
  }

  /** Undefined when the request is granted, else the API server's message. */
  refuse(request: AccessRequest): string | undefined {
    const grants = this.grants.filter((grant) => covers(grant, request));
    for (const grant of grants) grant.used = true;
    if (grants.length > 0) return undefined;
    const { verb, resource, group, namespace } = request;
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    return `cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
  }

  /** `<verb> <resource>[.<group>]` of everything granted and never used. */
  unused(): string[] {
    const idle = this.grants.filter(({ used }) => !used);
    return idle.map(({ verb, resource, group }) => `${verb} ${resource}${group === '' ? '' : `.${group}`}`);
  }
}

function grantsOf(binding: RbacObject, objects: readonly RbacObject[]): Grant[] {
  const { roleRef } = binding;
  const namespace = binding.kind === 'RoleBinding' ? binding.metadata?.namespace : undefined;
  const role = objects.find(
    ({ kind, metadata }) =>
      kind === roleRef?.kind &&
      metadata?.name === roleRef?.name &&
      (kind === 'ClusterRole' || metadata?.namespace === namespace),
  );
  const all: Grant[] = [];
  for (const { apiGroups, resources, verbs, resourceNames: names } of role?.rules ?? []) {
    for (const group of apiGroups) {
      for (const resource of resources) {
        for (const verb of verbs) all.push({ group, resource, verb, names, namespace, used: false });
      }
    }
  }
  return all;
}

/** @param wildcard what stands for everything, where anything does */
function covers(grant: Grant, request: AccessRequest, wildcard?: string): boolean {
  const fits = (granted: string, wanted: string) => granted === wanted || granted === wildcard;
  return (
    fits(grant.verb, request.verb) &&
    fits(grant.group, request.group) &&
    fits(grant.resource, request.resource) &&
    (grant.namespace === undefined || grant.namespace === request.namespace) &&
    (grant.names === undefined || grant.names.includes(request.name ?? ''))
  );
}
