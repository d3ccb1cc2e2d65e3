import { spoken } from '../../text/table.ts';
import type { PodFacts } from '../facts.ts';
import { since } from '../node-status.ts';
import { podReason } from '../words.ts';
import { startBound } from './bounds.ts';
import { afterOperation } from './order.ts';
import {
  type Bound,
  type Going,
  hasEnded,
  type NodeView,
  type Phase,
  type PhaseAtNode,
  unended,
} from './phase.ts';
import { podWait } from './silence.ts';
import { own } from '../../../api/own.ts';

function at(view: NodeView): PhaseAtNode {
  const { ctx, node, work, status } = view;
  return {
    over: () => {
      const before = status.bootID;
      const isNew = before !== undefined && node.bootID !== undefined && node.bootID !== before;
      if (!isNew || !node.ready) return undefined;
      return afterOperation(ctx, { ...status, rebootStatus: 'completed' });
    },
    // The command has done its work: a run that is taken back lets the reboot finish, unless the NodeOp itself goes.
    takenBack: (why) =>
      ctx.facts.deleted
        ? {
            to: 'Failed',
            status: work.reboot === undefined ? { ...status, rebootStatus: 'cancelled' } : status,
            message: `stopped ${work.reboot === undefined ? 'before' : 'during'} its reboot: ${why}`,
          }
        : undefined,
    bounds: () => bounds(view),
    going: () => going(view),
  };
}

function bounds(view: NodeView): Bound[] {
  const { ctx, work, status } = view;
  const seconds = ctx.facts.spec.rebootTimeoutSeconds;
  const back: Bound = {
    at: since(status) + seconds * 1000,
    why: () => `not back ${spoken(seconds)} after the reboot was asked for: ${seen(view)}`,
  };
  const pod = work.reboot;
  if (pod === undefined || pod.started || hasEnded(pod) || view.node.bootID !== status.bootID) return [back];
  return [back, startBound(view, Math.max(pod.createdAt, since(status)), 'the reboot', pod)];
}

function going(view: NodeView): Going {
  const { ctx, node, work, status } = view;
  const before = status.bootID;
  const wait = work.reboot === undefined ? undefined : podWait(view, work.reboot);
  const waits = {
    ...wait,
    status,
    waitsFor: [seen(view), wait?.waitsFor].filter((it) => it !== undefined).join(', '),
  };
  const record = own(ctx.facts.persisted.nodeStatuses, node.name);
  // The boot ID must be on record before the node can go down: it is what proves the reboot afterwards.
  const isRecorded = record?.phase === 'Rebooting' && record.bootID === before;
  if (work.reboot !== undefined || !isRecorded || before === undefined || node.bootID !== before)
    return { ...waits, actions: wait?.actions ?? [] };
  const reason = 'the command succeeded and asks for a reboot';
  return { ...waits, actions: [{ type: 'create-reboot', node: node.name, bootID: before, reason }] };
}

function seen({ node, work, status }: NodeView): string {
  const boot = node.bootID === status.bootID ? 'boot ID is still the old one' : 'boot ID is new';
  const ready = node.ready ? 'node is Ready' : 'node is not Ready';
  const pod = work.reboot;
  const why = pod?.state === 'failed' && !isKilled(pod) ? `, reboot pod failed: ${podReason(pod)}` : '';
  return `${boot}, ${ready}${why}`;
}

/** A host that goes down takes the pod with it that asked for it: that is how a reboot looks, and no failure. */
function isKilled({ exitCode, reason }: PodFacts): boolean {
  const ownReason = reason !== undefined && reason !== 'Error' && reason !== 'Unknown';
  return !ownReason && (exitCode === undefined || exitCode === 137 || exitCode === 143 || exitCode === 255);
}

/** The node goes down and is over it once it is Ready with a new boot ID: nothing else proves a reboot. */
export const rebooting: Phase = { at, started: ({ reboot: pod }) => unended(pod) };
