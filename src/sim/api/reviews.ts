import { at, isRecord, type Obj, textOf } from '../store/object.ts';
import { apiVersionOf, type ResourceType } from '../resources.ts';
import { type AccessRequest, isGranted, type RbacObject } from './rbac.ts';

type Refuse = ((request: AccessRequest) => string | undefined) | undefined;

/** Whose tokens are taken; what they may do is granted by the roles and bindings in the cluster. */
export interface Person {
  name: string;
  groups?: readonly string[];
  /** Whom the token is for; the API server itself when absent. */
  audiences?: readonly string[];
}

const OWN_AUDIENCES = ['https://kubernetes.default.svc.cluster.local'];

/** What is needed to answer questions about who may do what. */
export interface ReviewContext {
  /** For the client itself. */
  refuse: Refuse;
  types: readonly ResourceType[];
  /** By token. */
  people: Readonly<Record<string, Person>>;
  /** Roles and bindings. */
  rbac: () => readonly RbacObject[];
}

/** What a client asks about itself, or about others: nothing of it is stored. */
export function review(type: ResourceType, body: Obj, context: ReviewContext): Obj {
  const answer = { metadata: {}, spec: body.spec ?? {}, apiVersion: apiVersionOf(type), kind: type.kind };
  return { ...answer, status: statusOf(type.kind, body, context) };
}

/** Everybody may ask what they may do themselves; of others only who is allowed to. */
export function isAboutSelf({ kind }: ResourceType): boolean {
  return kind.startsWith('Self');
}

function statusOf(
  kind: string,
  body: Obj,
  { refuse, types, people, rbac }: ReviewContext,
): Record<string, unknown> {
  switch (kind) {
    case 'SelfSubjectAccessReview':
      return accessStatus(body, refuse);
    case 'SelfSubjectRulesReview':
      return rulesStatus(textOf(at(body, 'spec.namespace')), refuse, types);
    case 'SubjectAccessReview':
      return accessStatus(body, (request) => {
        const requester = { user: textOf(at(body, 'spec.user')), groups: textsOf(at(body, 'spec.groups')) };
        return isGranted(rbac(), requester, request) ? undefined : 'no RBAC policy matched';
      });
    case 'TokenReview':
      return tokenStatus(people, textOf(at(body, 'spec.token')), textsOf(at(body, 'spec.audiences')));
    default:
      return {
        userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
      };
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((it) => typeof it === 'string') : [];
}

function tokenStatus(
  people: ReviewContext['people'],
  token: string,
  wanted: readonly string[],
): Record<string, unknown> {
  const person = Object.hasOwn(people, token) ? people[token] : undefined;
  if (!person) return { user: {}, error: 'invalid bearer token' };
  const asked = wanted.length === 0 ? OWN_AUDIENCES : wanted;
  const audiences = (person.audiences ?? OWN_AUDIENCES).filter((it) => asked.includes(it));
  if (audiences.length === 0)
    return { user: {}, error: 'the token is not for the audiences that are asked for' };
  const groups = [...(person.groups ?? []), 'system:authenticated'];
  return { authenticated: true, user: { username: person.name, groups }, audiences };
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
