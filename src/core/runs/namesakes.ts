import { anotherName } from './name-taken.ts';
import type { Preparation } from './prepare.ts';

/** The NodeOp that a run file asks for. */
export interface Asked {
  /** Of the run file. */
  path: string;
  namespace: string;
  name: string;
  /** Those it is for; none when for all. */
  clusters: readonly string[];
}

export function askedBy(path: string, prepared: Preparation): Asked | undefined {
  if (!prepared.ok) return undefined;
  const { name, namespace } = prepared.manifest.metadata;
  return { path, namespace, name, clusters: prepared.clusters ?? [] };
}

/** Whether two run files ask for one NodeOp in one cluster, of which only the first gets it. */
export function areNamesakes(a: Asked, b: Asked): boolean {
  if (a.path === b.path || a.name !== b.name || a.namespace !== b.namespace) return false;
  const isEverywhere = a.clusters.length === 0 || b.clusters.length === 0;
  return isEverywhere || a.clusters.some((it) => b.clusters.includes(it));
}

export function namesakeText({ namespace, name }: Asked, other: Asked): string {
  return `${other.path} asks for the NodeOp ${namespace}/${name} as well, and only one of them gets it; ${anotherName(name)}`;
}
