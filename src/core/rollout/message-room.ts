import type { NodeStatus } from '../../api/nodeop.ts';
import { jobName } from './names.ts';

/** No message is longer, in characters. */
const LONGEST = 1024;
/** One that would have to be shorter says nothing and is left out: phase and exit code are there all the same. */
export const SHORTEST = 16;
/** What the entries of all nodes and their messages may take together; an etcd takes half as much again for the object. */
const STATUS_BYTES = 1_000_000;
/** One entry without its names and its message. */
export const ENTRY_BYTES = 165;
const KEY_BYTES = 13;
/** That a node stays cordoned is a field of its own, and takes its part of the room. */
const CORDONED_BYTES = 16;
const ENDING_BYTES = 50;

/**
 * How long messages may be, so that the status of 5,000 nodes stays under 1 MiB. Those of nodes that failed share what the
 * entries leave, each taking a part of what is left: the first failures say most, and a fleet that fails as a
 * whole fails alike. A message is cut once, when it is said, and by what does not change: no look alters it.
 */
export class MessageRoom {
  /** Of a node in flight; so many may say something at the same time. */
  readonly inFlight: number;
  /** Of a node that nothing was done to, whose entry is short. */
  readonly untouched: number;
  private left: number;

  constructor(op: { name: string; uid: string }, names: readonly string[], atOnce: number) {
    const count = Math.max(1, names.length);
    const [first = ''] = names;
    const perNode = ENTRY_BYTES + first.length + jobName(op, first).length;
    const shared = Math.max(0, STATUS_BYTES - count * perNode);
    this.left = shared;
    this.untouched = within(Math.max(40, 200_000 / count));
    this.inFlight = within(shared / Math.min(count, atOnce) - KEY_BYTES);
  }

  /** The entry of a node is another one now. */
  exchange(before: NodeStatus | undefined, after: NodeStatus): void {
    this.left += takenBy(before) - takenBy(after);
  }

  /** Of a node that fails now. */
  failed(): number {
    return within(this.left / 32);
  }
}

function takenBy(status: NodeStatus | undefined): number {
  // A verdict that waits for what it ends has its words as well, of hundreds of nodes at the same time.
  if (status?.ending !== undefined) return ENDING_BYTES + status.ending.message.length;
  if (status?.phase !== 'Failed') return 0;
  const { message, cause, log, cordoned } = status;
  let taken = cordoned ? CORDONED_BYTES : 0;
  for (const text of [message, cause, log]) if (text !== undefined) taken += text.length + KEY_BYTES;
  return taken;
}

function within(limit: number): number {
  return limit < SHORTEST ? 0 : Math.min(LONGEST, Math.floor(limit));
}
