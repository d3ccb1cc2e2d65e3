import type { RunId } from '../../api/page.ts';

/** What the page calls a run: by its run file, on this cluster or another one, or by the NodeOp that people made. */
export type RunRef = { path: string; cluster?: string | undefined } | { nodeOp: string };

/** What the ids of this page are relative to. */
export interface Place {
  /** Folder of the run files. */
  runs: string;
  cluster?: string | undefined;
}

/** Marks what comes first in the other kinds of id; a file whose path begins like that is named with its cluster. */
const MARKED = /^[~=]/;

export function runId(ref: RunRef, { runs, cluster }: Place): RunId {
  if ('nodeOp' in ref) return `~${ref.nodeOp}`;
  const path = ref.path.startsWith(`${runs}/`) ? ref.path.slice(runs.length + 1) : `/${ref.path}`;
  const isHere = ref.cluster === undefined || ref.cluster === cluster;
  return isHere && !MARKED.test(path) ? path : `=${isHere ? '' : ref.cluster}/${path}`;
}

/** Of whatever stands in an address; a run that it names need not exist. */
export function runRef(id: RunId, { runs, cluster }: Place): RunRef {
  if (id.startsWith('~')) return { nodeOp: id.slice(1) };
  const slash = id.indexOf('/');
  const named = id.startsWith('=') && slash > 0;
  const inside = named ? id.slice(slash + 1) : id;
  const path = inside.startsWith('/') ? inside.slice(1) : `${runs}/${inside}`;
  const other = named ? id.slice(1, slash) : '';
  return { path, cluster: other === '' ? cluster : other };
}
