import { InvalidError } from '../api/errors.ts';
import { ANNOTATION_RUN } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { nearest } from '../api/schema.ts';

/** Path of the run file a NodeOp was made for; undefined when people made it. */
export function runPathOf(nodeOp: NodeOp): string | undefined {
  const id = nodeOp.metadata.annotations?.[ANNOTATION_RUN];
  return id?.slice(id.indexOf(':') + 1);
}

export function labelOf({ metadata }: NodeOp): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

/** Whether `wanted` means this NodeOp: its name, `<namespace>/<name>`, or its run file's path or end of it. */
export function isMeant(nodeOp: NodeOp, wanted: string): boolean {
  const path = runPathOf(nodeOp);
  const file = wanted.replace(/^\.\//, '');
  const names = [nodeOp.metadata.name, labelOf(nodeOp), path];
  return names.includes(file) || path?.endsWith(`/${file}`) === true;
}

/** The one NodeOp that is meant. Throws InvalidError when there is none or several. */
export function findRun(nodeOps: readonly NodeOp[], wanted: string): NodeOp {
  const found = nodeOps.filter((it) => isMeant(it, wanted));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first !== undefined) {
    const names = found.map(labelOf).join(', ');
    throw new InvalidError(`"${wanted}" means several: ${names}; give <namespace>/<name>`);
  }
  const known = nodeOps.flatMap((it) => [it.metadata.name ?? '', runPathOf(it) ?? '']).filter(Boolean);
  const guess = nearest(wanted, known);
  const hint = guess === undefined ? 'nodeop-agent status lists what is there' : `did you mean "${guess}"?`;
  throw new InvalidError(`the cluster has no run or NodeOp "${wanted}"; ${hint}`);
}
