import { ANNOTATION_RUN } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';

/** Whose a name is that a run cannot have any more, and the ways out. */
export function nameTaken({ metadata }: NodeOp): string {
  const { name = '', namespace = '', creationTimestamp } = metadata;
  const id = metadata.annotations?.[ANNOTATION_RUN];
  return `NodeOp ${namespace}/${name} is there already: it is ${ownerOf(id, creationTimestamp)}; ${anotherName(name)}`;
}

/** The ways out. */
export function anotherName(name: string): string {
  return `give this run another name, or write "generateName: ${name}-" in place of it, so that each run has a name of its own`;
}

function ownerOf(id: string | undefined, since: string | undefined): string {
  if (id === undefined)
    return `no run's, somebody created it in the cluster${since === undefined ? '' : ` at ${since}`}`;
  const colon = id.indexOf(':');
  const cluster = id.slice(0, colon);
  return `that of the run ${id.slice(colon + 1)}${cluster === '' ? '' : ` of cluster ${cluster}`}`;
}
