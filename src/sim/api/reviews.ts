import { at, isRecord, type Obj, textOf } from '../store/object.ts';
import { apiVersionOf, type ResourceType } from '../resources.ts';
import type { AccessRequest } from './rbac.ts';

type Refuse = ((request: AccessRequest) => string | undefined) | undefined;

/** What a client asks about itself: nothing of it is stored. */
export function review(type: ResourceType, body: Obj, refuse: Refuse, types: readonly ResourceType[]): Obj {
  const answer = { metadata: {}, spec: body.spec ?? {}, apiVersion: apiVersionOf(type), kind: type.kind };
  switch (type.kind) {
    case 'SelfSubjectAccessReview':
      return { ...answer, status: accessStatus(body, refuse) };
    case 'SelfSubjectRulesReview':
      return { ...answer, status: rulesStatus(textOf(at(body, 'spec.namespace')), refuse, types) };
    default: {
      const userInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
      return { ...answer, status: { userInfo } };
    }
  }
}

function accessStatus(body: Obj, refuse: Refuse): Record<string, unknown> {
  const wanted = at(body, 'spec.resourceAttributes');
  if (!isRecord(wanted)) return { allowed: true };
  const text = (field: string) => textOf(wanted[field]);
  const sub = text('subresource');
  const reason = refuse?.({
    verb: text('verb'),
    group: text('group'),
    resource: sub === '' ? text('resource') : `${text('resource')}/${sub}`,
    namespace: text('namespace') || undefined,
    name: text('name') || undefined,
  });
  return reason === undefined ? { allowed: true } : { allowed: false, reason };
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

function rulesStatus(namespace: string, refuse: Refuse, types: readonly ResourceType[]) {
  const everything = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
  const resourceRules = refuse === undefined ? everything : rules(namespace, refuse, types);
  return { resourceRules, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['*'] }], incomplete: false };
}

function rules(namespace: string, refuse: NonNullable<Refuse>, types: readonly ResourceType[]) {
  return types.flatMap(({ group, plural, namespaced }) => {
    const asked = { group, resource: plural, namespace: namespaced ? namespace : undefined, name: undefined };
    const verbs = VERBS.filter((verb) => refuse({ ...asked, verb }) === undefined);
    return verbs.length === 0 ? [] : [{ verbs, apiGroups: [group], resources: [plural] }];
  });
}
