import { flat, plain } from '../text/output.ts';
import type { NodeStatus } from '../../api/nodeop.ts';
import type { NodeFacts, PodFacts, RolloutFacts } from './facts.ts';
import { type MessageRoom, SHORTEST } from './message-room.ts';
import { causeOf, saidBefore } from './words.ts';

/** What every change of one node's entry needs to know. */
export interface NodeContext {
  facts: RolloutFacts;
  now: number;
  /** Bounds on messages. */
  room: MessageRoom;
}

/** In whole seconds, and never earlier than the moment: what is counted from it never ends early. */
export const stampUp = (ms: number): string =>
  new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');

export function enter(ctx: NodeContext, status: NodeStatus, phase: NodeStatus['phase']): NodeStatus {
  const { message: _, ...rest } = status;
  return { ...rest, phase, phaseStartedAt: stampUp(ctx.now), lastUpdated: stampUp(ctx.now) };
}

/** When the present phase began; epoch milliseconds. */
export function since(status: NodeStatus): number {
  return Date.parse(status.phaseStartedAt ?? status.startedAt ?? '') || 0;
}

export function complete(ctx: NodeContext, status: NodeStatus, message: string | undefined): NodeStatus {
  return end(ctx, status, 'Completed', message);
}

/** A final failure with its reason. */
export function fail(ctx: NodeContext, status: NodeStatus, message: string): NodeStatus {
  const pending = status.rebootStatus === 'pending' && status.phase !== 'Rebooting';
  return end(ctx, pending ? { ...status, rebootStatus: 'cancelled' } : status, 'Failed', message);
}

/** Puts on record what the container of a failed node said; the end of it tells most. */
export function withLastWords(ctx: NodeContext, status: NodeStatus, pod: PodFacts): NodeStatus {
  const limit = ctx.room.failed();
  const [cause, log] = [causeOf(pod), saidBefore(pod)].map((text) => {
    const clean = plain(text ?? '');
    return limit < SHORTEST ? '' : clean.slice(-limit);
  });
  return { ...status, ...(cause ? { cause: cause.trim() } : {}), ...(log ? { log } : {}) };
}

/** The end of a node whose command never began. */
export function cancel(ctx: NodeContext, status: NodeStatus, message: string): NodeStatus {
  const pending = status.rebootStatus === 'pending';
  return end(ctx, pending ? { ...status, rebootStatus: 'cancelled' } : status, 'Cancelled', message);
}

function end(
  ctx: NodeContext,
  status: NodeStatus,
  phase: NodeStatus['phase'],
  message: string | undefined,
): NodeStatus {
  const { phaseStartedAt: _, lastUpdated: __, message: ___, nodeUID: ____, ...others } = status;
  const rest = phase === 'Completed' ? withoutBootID(others) : others;
  const limit = phase === 'Failed' ? ctx.room.failed() : ctx.room.untouched;
  const text = message === undefined ? '' : cut(message, limit);
  return { ...rest, phase, ...(text === '' ? {} : { message: text }), finishedAt: stampUp(ctx.now) };
}

/** The boot ID proves nothing any more. */
function withoutBootID(status: NodeStatus): NodeStatus {
  const { bootID: _, ...rest } = status;
  return rest;
}

/** What a verdict may say while what it ends is not gone yet: no more than it may in the end. */
export function bounded(ctx: NodeContext, message: string): string {
  return cut(message, ctx.room.failed());
}

/** Adds to what the message of a failed node says; what was said is cut first. */
export function append(ctx: NodeContext, status: NodeStatus, text: string): NodeStatus {
  const { message, ...rest } = status;
  const limit = ctx.room.failed();
  if (message === undefined || limit < text.length) return status;
  const said = cut(message, limit - text.length - 2);
  return { ...rest, message: said === '' ? text : `${said}; ${text}` };
}

/** What is to be said of a node whose verdict stands; the first remark stays. */
export function remark(ctx: NodeContext, status: NodeStatus, text: string): NodeStatus {
  const message = cut(text, ctx.room.failed());
  return status.message !== undefined || message === '' ? status : { ...status, message };
}

/** Since when the run waits for nothing but nodes that are not Ready, this one among them. */
export function withWait(status: NodeStatus, phaseStartedAt: string): NodeStatus {
  return status.phaseStartedAt === phaseStartedAt ? status : { ...status, phaseStartedAt };
}

export function withoutWait(status: NodeStatus): NodeStatus {
  if (status.phaseStartedAt === undefined) return status;
  const { phaseStartedAt: _, ...rest } = status;
  return rest;
}

/** Sets or clears the message; the very same object when it says that already. */
export function note(ctx: NodeContext, status: NodeStatus, text: string | undefined): NodeStatus {
  const message = text === undefined ? undefined : cut(text, ctx.room.inFlight) || undefined;
  if (status.message === message) return status;
  const { message: _, ...rest } = status;
  return { ...rest, ...(message === undefined ? {} : { message }), lastUpdated: stampUp(ctx.now) };
}

/** One line without control characters, at most `limit` characters, cut in the middle: both ends tell most. '' where there is no room. */
function cut(text: string, limit: number): string {
  const clean = flat(text);
  if (clean.length <= limit) return clean;
  if (limit < SHORTEST) return '';
  const head = Math.floor((limit - 3) / 2);
  return `${clean.slice(0, head)} … ${clean.slice(clean.length - (limit - 3 - head))}`.toWellFormed();
}

/** Enough to tell a node from the next one of its name; thousands are on record at the same time. */
export function shortUID(uid: string): string {
  return uid.slice(0, 8);
}

/** Whether it is not the node that was begun, which is gone then. */
export function isAnother({ nodeUID }: NodeStatus, { uid }: NodeFacts): boolean {
  return nodeUID !== undefined && nodeUID !== shortUID(uid);
}
