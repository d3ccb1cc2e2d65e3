import type { NodeOpSpec } from '../../api/nodeop.ts';
import { MAX_SEEN } from '../checks/words.ts';
import { atOnce } from './amounts.ts';
import { ENTRY_BYTES } from './message-room.ts';
import { jobName } from './names.ts';

/** What an etcd takes of one object by default, less room for metadata and conditions. */
const OBJECT_BYTES = 1.5 * 1024 * 1024 - 32 * 1024;
/** The spec as it is, as it is recorded, and as `kubectl apply` or Git had it. */
const SPECS = 3;
/** What an entry has in flight that it has not in the end; the second where the node reboots. */
const IN_FLIGHT_BYTES = 100;
const REBOOTING_BYTES = 100;
/** A step without its name and its message. Only the one that is not passed has a message, which the conditions repeat. */
const STEP_BYTES = 200;
const STEP_MESSAGE_BYTES = 32 * 1024;
/** A check without its name, and what was seen: UTF-8 takes up to three bytes for each character. */
const CHECK_BYTES = 200 + 3 * MAX_SEEN;

/**
 * Whether the statuses of so many nodes fit into one NodeOp, without a word on any of them: why not, and what to do. Found out in
 * mid-rollout it would stop the rollout for good, as nothing could be written any more.
 */
export function tooManyNodes(
  op: { name: string; uid: string; spec: NodeOpSpec },
  names: readonly string[],
): string | undefined {
  const { spec } = op;
  const [first = ''] = names;
  const nameBytes = names.reduce((sum, name) => sum + name.length, 0) / Math.max(1, names.length);
  // With the character that says in which step it is.
  const entry = 1 + ENTRY_BYTES + jobName(op, first).length + nameBytes;
  const flying = spec.rebootOnSuccess ? REBOOTING_BYTES : IN_FLIGHT_BYTES;
  const room = OBJECT_BYTES - SPECS * Buffer.byteLength(JSON.stringify(spec)) - stepBytes(spec);
  const fit = (nodes: number) => nodes * entry + Math.min(nodes, mostAtOnce(spec, nodes)) * flying <= room;
  if (fit(names.length)) return undefined;
  let most = Math.floor(names.length / 100) * 100;
  while (most > 0 && !fit(most)) most -= 100;
  return `${names.length} nodes match, and one NodeOp has room for the statuses of about ${most} of them: take several with a nodeSelector each, by zone for example`;
}

/** What steps may come to say beside the nodes. */
function stepBytes({ steps = [] }: NodeOpSpec): number {
  if (steps.length === 0) return 0;
  const checks = steps.flatMap(({ checks: own = [] }) => own);
  const names = [...steps, ...checks].reduce((sum, { name = '' }) => sum + name.length, 0);
  return STEP_MESSAGE_BYTES + (steps.length + 1) * STEP_BYTES + checks.length * CHECK_BYTES + names;
}

/** Of the step that has the most in flight; how large each is nobody knows yet. */
function mostAtOnce({ concurrency, steps = [] }: NodeOpSpec, nodes: number): number {
  const all = [concurrency, ...steps.map((step) => step.concurrency ?? concurrency)];
  return Math.max(...all.map((it) => atOnce(it, nodes)));
}
