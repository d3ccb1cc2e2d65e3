import { apiVersionOf, type ResourceType } from '../resources.ts';

/** The documents by which clients find out what there is. */
export function discovery(path: string, types: readonly ResourceType[]): unknown {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(types) };
  if (path === '/version')
    return { major: '1', minor: '32', gitVersion: 'v1.32.0+embedded', platform: 'node' };
  if (path.startsWith('/openapi/v3')) return openApi(path, types);
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

function resourceEntries(type: ResourceType) {
  const { plural, kind, namespaced, shortNames } = type;
  const main = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs: VERBS, shortNames };
  const sub = type.subresources.map((name) =>
    name === 'eviction'
      ? {
          name: `${plural}/eviction`,
          singularName: '',
          namespaced,
          kind: 'Eviction',
          group: 'policy',
          version: 'v1',
          verbs: ['create'],
        }
      : { name: `${plural}/${name}`, singularName: '', namespaced, kind, verbs: ['get'] },
  );
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
 * what it is given without asking for schemas.
 */
function openApi(path: string, types: readonly ResourceType[]): unknown {
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
  const operation = ({ group, version, kind }: ResourceType) => ({
    parameters: [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }],
    responses: { 200: { description: 'OK' } },
    'x-kubernetes-group-version-kind': { group, version, kind },
  });
  const paths = served.map((type) => [`/${prefix(type)}/${type.plural}/{name}`, { patch: operation(type) }]);
  const info = { title: 'Embedded cluster', version: 'v1' };
  return { openapi: '3.0.0', info, paths: Object.fromEntries(paths), components: { schemas: {} } };
}
