import type { NodeStatus } from '../../api/nodeop.ts';
import { type Action, nodeKey } from './actions.ts';
import type { NodeFacts, WorkFacts } from './facts.ts';
import { bounded, cancel, complete, fail, isAnother, type NodeContext, note } from './node-status.ts';
import type { Started, Verdict } from './phases/phase.ts';
import { overdue } from './phases/refused.ts';
import { own } from '../../api/own.ts';

/** The API server has been told to make one of these; whether it does is not known yet. */
const MAKING = ['create-preflight', 'create-job', 'create-reboot', 'create-postflight'] as const;
export type Making = (typeof MAKING)[number];

/** What became of a pod last is told by the watch, which may be behind. */
const HEARD_MS = 5_000;

const UNKNOWN = 'outcome unknown: the node is not Ready';

/** One node whose verdict stands, as one look sees it. */
export interface EndView {
  ctx: NodeContext;
  name: string;
  /** Undefined: it is gone. */
  node: NodeFacts | undefined;
  work: WorkFacts;
  /** What was started there and may still run. */
  left: readonly Started[];
}

/**
 * A verdict becomes final once nothing that was started for the node can outlive it: all of it is deleted and seen gone
 * first. The verdict is on record before that, so that no restart and nothing that is seen of the end changes it.
 */
export function conclude(view: EndView, { to, status, message = '', unbegun }: Verdict): Ending {
  const ending = { phase: to, message: bounded(view.ctx, message), ...(unbegun === true ? { unbegun } : {}) };
  return windUp(view, { ...status, ending });
}

interface Ending {
  status: NodeStatus;
  actions: Action[];
  /** What is seen gone first. */
  waitsFor?: string;
  lookAgainAt?: number;
}

export function windUp(view: EndView, status: NodeStatus): Ending {
  const { ctx, name, node, work, left } = view;
  const isReachable = node?.ready === true;
  // A kubelet starts nothing of a pod that is being deleted, and one that does not answer can't tell of its end.
  const waiting = left.filter((it) => isReachable || !it.deleting);
  const isMaking = MAKING.some((type) => ctx.facts.busy.has(nodeKey(type, name)));
  const comesUntil = Math.max(...MAKING.map((type) => comingUntil(ctx, type, name)));
  const isComing = comesUntil > ctx.now;
  const heardBy = status.ending?.unbegun === true ? (work.unheardSince ?? -Infinity) + HEARD_MS : 0;
  const isHearing = heardBy > ctx.now && work.commandBegan !== true;
  if (waiting.length === 0 && !isMaking && !isComing && !isHearing)
    return { status: verdict(view, status), actions: [] };
  const stuck = waiting.map((it) => overdue(ctx.facts, ctx.now, deletion(name, it))).find((why) => why);
  if (stuck !== undefined) return { status: unended(ctx, status, stuck), actions: [] };
  // What is deleted tells the next process nothing any more: its verdict would be another one.
  const isRecorded = own(ctx.facts.persisted.nodeStatuses, name)?.ending !== undefined;
  // A command that has begun keeps its name until then: another request of that name would begin it once more.
  const mayGo = !isComing || work.commandBegan !== true;
  const actions = isRecorded && mayGo ? deletions(name, waiting) : [];
  const stays = waiting.map((it) => `${it.kind === 'job' ? 'Job' : 'pod'} ${it.name}`);
  const text = [
    status.ending?.message,
    stays.length > 0 ? `waiting until ${stays.join(', ')} is gone` : '',
    isHearing ? 'waiting to hear whether its command had begun' : '',
    isComing ? 'waiting until nothing can come of a request that the API server has not answered' : '',
  ]
    .filter((part) => part !== undefined && part !== '')
    .join('; ');
  const ending = { status: note(ctx, status, text), actions, waitsFor: text };
  if (isHearing) return { ...ending, lookAgainAt: Math.max(heardBy, comesUntil) };
  return isComing ? { ...ending, lookAgainAt: comesUntil } : ending;
}

/** Until when something of that kind may be made on the node by a request that was not answered; 0 when nothing is. */
export function comingUntil({ facts }: Pick<NodeContext, 'facts'>, type: Making, node: string): number {
  return facts.mayComeUntil(nodeKey(type, node)) ?? 0;
}

/** What was started goes on, and nobody may end it. */
function unended(ctx: NodeContext, { ending, ...status }: NodeStatus, why: string): NodeStatus {
  return { ...fail(ctx, status, `outcome unknown: ${why}; ${ending?.message ?? ''}`), outcomeUnknown: true };
}

/**
 * What is told to go next of all that is left on a node. The Job goes first: it would make another pod in the place of one that
 * goes before it, and the command might begin after all.
 */
export function deletions(node: string, left: readonly Started[]): Deletion[] {
  const untold = left.filter(({ deleting }) => !deleting);
  const jobs = untold.filter(({ kind }) => kind === 'job');
  return (jobs.length > 0 ? jobs : untold).map((it) => deletion(node, it));
}

type Deletion = Extract<Action, { type: 'delete-job' | 'delete-pod' }>;

export function deletion(node: string, it: Started): Deletion {
  const { name, uid } = it;
  const reason = 'what was started on a node does not outlive its verdict';
  return it.kind === 'job'
    ? { type: 'delete-job', node, name, uid, reason }
    : { type: 'delete-pod', node, name, uid, reason };
}

function verdict({ ctx, node, work, left }: EndView, before: NodeStatus): NodeStatus {
  const { ending, ...status } = before;
  if (ending === undefined) return before;
  const { phase, message, unbegun } = ending;
  const isGone = node === undefined || isAnother(status, node);
  if (phase === 'Completed') return complete(ctx, status, message === '' ? undefined : message);
  if (node !== undefined && left.length > 0)
    return { ...fail(ctx, status, `${UNKNOWN}; ${message}`), outcomeUnknown: true };
  if ((unbegun === true || phase === 'Cancelled') && work.commandBegan === true)
    return fail(ctx, status, `stopped while its command ran: ${message}`);
  if (phase === 'Failed') return fail(ctx, status, message);
  // A Job that was gone before this process looked, or whose node went: nobody saw whether its command had begun.
  const isUnseen = status.jobName !== undefined && (work.jobSeen !== true || isGone);
  return unbegun === true && (isUnseen || work.unheardSince !== undefined)
    ? {
        ...fail(ctx, status, `outcome unknown: the end of its Job was not seen; ${message}`),
        outcomeUnknown: true,
      }
    : cancel(ctx, status, `Cancelled: ${message}`);
}
