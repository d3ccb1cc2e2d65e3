import { InvalidError } from '../api/errors.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { nearest } from '../api/schema.ts';
import { labelOf, runPathOf } from '../core/runs/identity.ts';

export { clusterNameOf, labelOf, runPathOf } from '../core/runs/identity.ts';

/**
 * Whether `wanted` means this NodeOp and could mean no other: its name, `<namespace>/<name>`, or its run file's path, in
 * whatever folder of whatever machine, or the path of its report.
 */
export function isMeant(nodeOp: NodeOp, wanted: string): boolean {
  return isNamed(nodeOp, wanted) || pathMatch(nodeOp, wanted) > 0;
}

function isNamed(nodeOp: NodeOp, wanted: string): boolean {
  const path = runPathOf(nodeOp);
  const file = wanted.replace(/^\.\//, '');
  return [nodeOp.metadata.name, labelOf(nodeOp), path].includes(file) || path?.endsWith(`/${file}`) === true;
}

/** How many characters of the run's path below its folder end a longer path, `/home/ada/ops/results/berlin/flash.yaml`. */
function pathMatch(nodeOp: NodeOp, wanted: string): number {
  const path = runPathOf(nodeOp);
  const inside = path?.slice(path.indexOf('/') + 1) ?? '';
  return inside !== '' && wanted.endsWith(`/${inside}`) ? inside.length : 0;
}

/** Whether a run file is meant by its path, the end of it, or the path of its report. */
export function isPathOf(run: string, wanted: string): boolean {
  const file = wanted.replace(/^\.\//, '');
  const inside = run.slice(run.indexOf('/') + 1);
  return file !== '' && (run === file || run.endsWith(`/${file}`) || wanted.endsWith(`/${inside}`));
}

/** The beginning of a name or of a path, or of the file's own name. */
function begins(nodeOp: NodeOp, wanted: string): boolean {
  const path = runPathOf(nodeOp) ?? '';
  const names = [nodeOp.metadata.name ?? '', labelOf(nodeOp), path, path.slice(path.lastIndexOf('/') + 1)];
  return wanted !== '' && names.some((it) => it.startsWith(wanted.replace(/^\.\//, '')));
}

/** Those that are meant, by the first rule that finds any: a name, a path of whatever kind, a beginning. */
export function candidates(nodeOps: readonly NodeOp[], wanted: string): NodeOp[] {
  const named = nodeOps.filter((it) => isNamed(it, wanted));
  if (named.length > 0) return named;
  const longest = Math.max(0, ...nodeOps.map((it) => pathMatch(it, wanted)));
  if (longest > 0) return nodeOps.filter((it) => pathMatch(it, wanted) === longest);
  return nodeOps.filter((it) => begins(it, wanted));
}

/** What else there is beside the NodeOps, for the message about one that is not. */
interface Others {
  /** Paths of runs that have not begun. */
  known: readonly string[];
  /** What there is to say of runs that are not named. */
  more?: string | undefined;
}

/** The one NodeOp that is meant. Throws InvalidError when there is none or several. */
export function findRun(nodeOps: readonly NodeOp[], wanted: string, others?: Others): NodeOp {
  const found = candidates(nodeOps, wanted);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first !== undefined) throw new InvalidError(meansSeveral(found, wanted));
  const known = nodeOps.flatMap((it) => [it.metadata.name ?? '', runPathOf(it) ?? '']).filter(Boolean);
  const guess = nearest(wanted, [...known, ...(others?.known ?? [])]);
  const elsewhere = [whereElse(wanted), ...(others?.more === undefined ? [] : [others.more])].join('; ');
  const hint = guess === undefined ? elsewhere : `did you mean "${guess}"?`;
  throw new InvalidError(`the cluster has no run or NodeOp "${wanted}"; ${hint}`);
}

/** Of a run file that is not carried out here the cluster knows nothing. */
function whereElse(wanted: string): string {
  const isPath = wanted.includes('/') || /\.ya?ml$/.test(wanted);
  const list = 'nodeop-agent status lists what is there';
  return isPath
    ? `${list}; of a run file that is invalid the report under results/ says why, and one for other clusters is told there`
    : list;
}

function meansSeveral(found: readonly NodeOp[], wanted: string): string {
  const names = found.slice(0, 5).map((it) => runPathOf(it) ?? labelOf(it));
  const more = found.length > names.length ? ` and ${found.length - names.length} more` : '';
  return `"${wanted}" means several: ${names.join(', ')}${more}; give the whole path, or <namespace>/<name>`;
}
