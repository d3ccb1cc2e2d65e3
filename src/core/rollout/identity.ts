import {
  ANNOTATION_REFUSED,
  ANNOTATION_RUN,
  ANNOTATION_SPEC,
  ANNOTATION_UID,
  OWN_ANNOTATIONS,
} from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';

/**
 * Whether a NodeOp is what it says it is. A copy looks like its original in all but the UID: it was made by a backup
 * tool, by hand or by another cluster's, with or without the status, with or without some of the annotations. Run
 * again, it would do to every node what was done already.
 */

/** Clocks of the API server and of the agent that wrote the status may differ by so much. */
const SKEW_MS = 300_000;

/** Why a NodeOp is never carried out, though nothing may be wrong with its spec; undefined when it may be. */
export function copyProblem(object: NodeOp): string | undefined {
  const why = whyForeign(object);
  if (why === undefined) return undefined;
  const carried = OWN_ANNOTATIONS.filter((it) => object.metadata.annotations?.[it] !== undefined);
  const without =
    carried.length === 0
      ? 'a manifest without status'
      : `a manifest without status and ${carried.join(', ')}`;
  return `${why}; it is never carried out. To run it again, delete it and create another one from ${without}`;
}

function whyForeign(object: NodeOp): string | undefined {
  const { uid, annotations = {} } = object.metadata;
  const refused = annotations[ANNOTATION_REFUSED];
  if (refused !== undefined) return refused;
  const written = annotations[ANNOTATION_UID];
  if (written !== undefined) {
    return written === uid
      ? undefined
      : `is a copy of a NodeOp that was carried out before, with UID ${written}`;
  }
  const began = Date.parse(object.status?.startedAt ?? '');
  const created = Date.parse(object.metadata.creationTimestamp ?? '');
  if (began < created - SKEW_MS) return 'is a copy: its status is older than it is';
  // Versions before this one wrote no UID; what they had begun has a status of its own.
  const isLegacy = annotations[ANNOTATION_SPEC] !== undefined;
  return isLegacy && Number.isNaN(began) ? 'is a copy of a NodeOp that was carried out before' : undefined;
}

/** Whether a NodeOp of a run may begin only once the agent has found that run, and no end of it, in the repository. */
export function awaitsRecord({ metadata: { annotations = {} } }: NodeOp): boolean {
  const isMarked = annotations[ANNOTATION_UID] !== undefined || annotations[ANNOTATION_SPEC] !== undefined;
  return annotations[ANNOTATION_RUN] !== undefined && !isMarked;
}
