import type { Schema } from './crd.ts';
import { apiVersionOf, type ResourceType } from '../resources.ts';

/** The documents by which clients find out what there is. */
export function discovery(
  path: string,
  types: readonly ResourceType[],
  schemaOf: (type: ResourceType) => Schema | undefined,
): unknown {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(types) };
  if (path === '/version')
    return { major: '1', minor: '32', gitVersion: 'v1.32.0+embedded', platform: 'node' };
  if (path.startsWith('/openapi/v3')) return openApi(path, types, schemaOf);
  const match = /^\/(?:api\/(v1)|apis\/([^/]+)(?:\/([^/]+))?)$/.exec(path);
  if (!match) return undefined;
  const [, core, group = '', version] = match;
  if (core === undefined && version === undefined) {
    const found = groups(types).find(({ name }) => name === group);
    return found && { kind: 'APIGroup', apiVersion: 'v1', ...found };
  }
  const groupVersion = core ?? `${group}/${version}`;
  const resources = types.filter((type) => apiVersionOf(type) === groupVersion).flatMap(resourceEntries);
  return resources.length === 0
    ? undefined
    : { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function groups(types: readonly ResourceType[]) {
  const byGroup = new Map<string, Set<string>>();
  for (const { group, version } of types) {
    if (group !== '') byGroup.set(group, (byGroup.get(group) ?? new Set()).add(version));
  }
  return [...byGroup].map(([name, versions]) => {
    const list = [...versions].map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions: list, preferredVersion: list[0] };
  });
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** What `kubectl get all` means. */
const ALL = ['pods', 'services', 'daemonsets', 'deployments', 'replicasets', 'statefulsets', 'jobs'];
/** Subresources that are of another kind than what they belong to. */
const SUBRESOURCES: Record<string, object> = {
  eviction: { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
  scale: { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] },
};

function resourceEntries(type: ResourceType) {
  const { plural, kind, namespaced, shortNames, verbs = VERBS } = type;
  const categories = ALL.includes(plural) ? { categories: ['all'] } : {};
  const main = {
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced,
    kind,
    verbs,
    shortNames,
    ...categories,
  };
  const sub = type.subresources.map((name) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...(SUBRESOURCES[name] ?? { kind, verbs: ['get'] }),
  }));
  const status = {
    name: `${plural}/status`,
    singularName: '',
    namespaced,
    kind,
    verbs: ['get', 'patch', 'update'],
  };
  return [main, ...sub, ...(type.status ? [status] : [])];
}

/**
 * Enough of OpenAPI v3 for kubectl to see that the server validates fields itself, so that it sends
 * what it is given without asking for schemas, and to explain what custom types have.
 */
function openApi(
  path: string,
  types: readonly ResourceType[],
  schemaOf: (type: ResourceType) => Schema | undefined,
): unknown {
  const prefix = (type: ResourceType) =>
    type.group === '' ? `api/${type.version}` : `apis/${apiVersionOf(type)}`;
  if (path === '/openapi/v3') {
    const entry = (type: ResourceType) => [
      prefix(type),
      { serverRelativeURL: `/openapi/v3/${prefix(type)}` },
    ];
    return { paths: Object.fromEntries(types.map(entry)) };
  }
  const served = types.filter((type) => path === `/openapi/v3/${prefix(type)}`);
  if (served.length === 0) return undefined;
  const operation = (type: ResourceType) => ({
    parameters: [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }],
    responses: { 200: { description: 'OK' } },
    'x-kubernetes-group-version-kind': groupVersionKind(type),
  });
  const paths = served.map((type) => [
    `/${prefix(type)}/${type.plural}/{name}`,
    { get: operation(type), patch: operation(type) },
  ]);
  const schemas = served.map((type) => [schemaName(type), explained(type, schemaOf(type))]);
  const info = { title: 'Embedded cluster', version: 'v1' };
  return {
    openapi: '3.0.0',
    info,
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

const groupVersionKind = ({ group, version, kind }: ResourceType) => ({ group, version, kind });

/** `io.kairos.operator.v1alpha1.NodeOp`, as API servers name schemas. */
function schemaName({ group, version, kind }: ResourceType): string {
  return [...group.split('.').toReversed(), version, kind].filter((part) => part !== '').join('.');
}

const object = (description: string): Schema => ({ type: 'object', description });

/** Built-in types are told by what every object has: their fields are in the documentation of Kubernetes. */
function explained(type: ResourceType, custom: Schema | undefined): object {
  const parts: Record<string, Schema> = {
    spec: object(`What is wanted of the ${type.kind}.`),
    ...(type.status ? { status: object(`How the ${type.kind} was last seen.`) } : {}),
  };
  return {
    type: 'object',
    description:
      custom?.description ?? `${type.kind} of ${apiVersionOf(type)}, as the embedded cluster serves it.`,
    properties: {
      ...(custom?.properties ?? parts),
      apiVersion: { type: 'string', description: 'The version of the schema.' },
      kind: { type: 'string', description: 'The kind of the object.' },
      metadata: object("The object's metadata."),
    },
    ...(custom?.required === undefined ? {} : { required: custom.required }),
    'x-kubernetes-group-version-kind': [groupVersionKind(type)],
  };
}
