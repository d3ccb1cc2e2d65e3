import { NODEOP_GROUP, NODEOP_VERSION } from '../api/nodeop.ts';

/** A resource of the API server: where its objects are. */
export interface Resource {
  base: string;
  plural: string;
}

export const NODES: Resource = { base: '/api/v1', plural: 'nodes' };
export const PODS: Resource = { base: '/api/v1', plural: 'pods' };
export const NAMESPACES: Resource = { base: '/api/v1', plural: 'namespaces' };
export const CONFIGMAPS: Resource = { base: '/api/v1', plural: 'configmaps' };
export const EVENTS: Resource = { base: '/api/v1', plural: 'events' };
export const JOBS: Resource = { base: '/apis/batch/v1', plural: 'jobs' };
export const DAEMONSETS: Resource = { base: '/apis/apps/v1', plural: 'daemonsets' };
export const LEASES: Resource = { base: '/apis/coordination.k8s.io/v1', plural: 'leases' };
export const DEFINITIONS: Resource = {
  base: '/apis/apiextensions.k8s.io/v1',
  plural: 'customresourcedefinitions',
};
export const NODEOPS: Resource = { base: `/apis/${NODEOP_GROUP}/${NODEOP_VERSION}`, plural: 'nodeops' };

export function collectionPath(resource: Resource, namespace?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${resource.base}${scope}/${resource.plural}`;
}

export function objectPath(resource: Resource, name: string, namespace?: string): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}
