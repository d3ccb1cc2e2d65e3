import { ANNOTATION_CANCEL, ANNOTATION_HOLD } from '../api/labels.ts';
import { load } from '../api/yaml.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { isObject } from './runs/merge.ts';
import { flat } from './text/output.ts';
import { oneLine } from './text/table.ts';

/** What people who are on call brake with: no new node starts, nodes in flight finish. */

export type HoldBy = 'lease' | 'repository' | 'nodeop';

/** By whom the whole cluster is held, and why, as people wrote it; '' when they gave no reason. */
export interface ClusterHolds {
  lease?: string | undefined;
  repository?: string | undefined;
}

/** At most as much of a reason is told everywhere. */
const MAX_REASON = 200;
/** The agent's own says who removed which file with which commit. */
const MAX_CAUSE = 1000;
/** An annotation may hold 256 KiB. */
const MAX_READ = 4096;

/** The first line of whatever tells how things stand; undefined when nothing is held. */
export function clusterHoldText({ lease, repository }: ClusterHolds, file = 'hold.yaml'): string | undefined {
  const parts = [
    lease === undefined
      ? undefined
      : withReason(`the whole cluster is held by ${ANNOTATION_HOLD} on the Lease`, lease),
    repository === undefined ? undefined : withReason(`all clusters are held by ${file}`, repository),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** Why no new node of this NodeOp starts, by its own annotation. */
export function nodeOpHoldText({ metadata }: NodeOp): string | undefined {
  const reason = metadata.annotations?.[ANNOTATION_HOLD];
  return reason === undefined ? undefined : withReason(`held by the annotation ${ANNOTATION_HOLD}`, reason);
}

/** By whom a NodeOp is held that goes on, as the agent tells it. */
export function heldText({ status }: NodeOp): string | undefined {
  if (isFinalPhase(status?.phase)) return undefined;
  const held = status?.conditions?.find(({ type }) => type === 'Held');
  return held && oneLine(held.message, 400);
}

/** The first line of a page, said once. */
export function heldHeading(text: string): string {
  return `Held: ${text.replace(/^held (?=by )/, '')}`;
}

/** Why people want it to end, by its own annotation. */
export function cancelText({ metadata }: NodeOp): string | undefined {
  const reason = metadata.annotations?.[ANNOTATION_CANCEL];
  if (reason === undefined) return undefined;
  const text = oneLine(flat(reason.slice(0, MAX_READ)), MAX_CAUSE);
  return text === '' ? `by the annotation ${ANNOTATION_CANCEL}` : text;
}

/** The reason in a file that holds; whatever it contains, it holds. */
export function reasonIn(bytes: Uint8Array | undefined): string {
  if (bytes?.length === 0) return '';
  const loaded = bytes && load(bytes);
  if (loaded?.ok !== true) return 'the file cannot be read';
  const { raw } = loaded;
  if (typeof raw === 'string') return raw;
  const reason = isObject(raw) ? raw['reason'] : undefined;
  return typeof reason === 'string' ? reason : '';
}

function withReason(what: string, reason: string): string {
  const text = oneLine(flat(reason.slice(0, MAX_READ)), MAX_REASON);
  return text === '' ? what : `${what}: ${text}`;
}
