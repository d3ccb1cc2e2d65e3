import type { NodePhase, NodeStatus } from '../../api/nodeop.ts';
import { own } from '../../api/own.ts';
import type { RolloutFacts, WorkFacts } from './facts.ts';
import { begin, step } from './node.ts';
import type { NodeContext } from './node-status.ts';

/**
 * Whether a verdict stands whatever becomes of this process: it is on record, or whoever leads next comes to it by what is on record
 * and in the cluster. A time-out, a refusal and a drain have to be judged anew, and may end otherwise.
 */
export function stands(ctx: NodeContext, name: string, { phase, outcomeUnknown }: NodeStatus): boolean {
  if (isOnRecord(ctx.facts, name, phase)) return true;
  return outcomeUnknown !== true && decidedAnew(ctx, name) === phase;
}

export function isOnRecord({ persisted }: RolloutFacts, name: string, phase: NodePhase): boolean {
  return own(persisted.nodeStatuses, name)?.phase === phase;
}

/** The phase that a node would be in after the first look of an agent that has seen nothing yet. */
function decidedAnew({ facts, now, room }: NodeContext, name: string): NodePhase | undefined {
  const record = own(facts.persisted.nodeStatuses, name);
  const node = facts.nodes.get(name);
  if (record === undefined || node === undefined) return undefined;
  const ctx = { facts: unseen(facts), now, room };
  return step(ctx, name, record.phase === 'Pending' ? begin(ctx, record, node) : record).status.phase;
}

/** Without what this process alone knows: what it read past the caches, what was refused, and what is under way. */
function unseen(facts: RolloutFacts): RolloutFacts {
  const work = {
    get: (node: string) => stored(facts.work.get(node)),
    *[Symbol.iterator]() {
      for (const [node, it] of facts.work) yield [node, stored(it) ?? {}] as const;
    },
  };
  const nothing = { troubles: new Map(), busy: new Set<string>() };
  const none = () => undefined;
  return { ...facts, ...nothing, work, refusal: none, refusedSince: none, mayComeUntil: none };
}

function stored(work: WorkFacts | undefined): WorkFacts | undefined {
  if (work === undefined) return undefined;
  const { job, attempts = [], preflight, reboot, postflight } = work;
  return {
    attempts,
    ...(typeof job === 'object' && { job, jobSeen: true }),
    ...(attempts.some(({ started }) => started) && { commandBegan: true }),
    ...(preflight && { preflight }),
    ...(reboot && { reboot }),
    ...(postflight && { postflight }),
  };
}
