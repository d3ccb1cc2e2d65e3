import { preflightName } from '../names.ts';
import { enter, since, withLastWords } from '../node-status.ts';
import { atNode, podReason, waitingReason } from '../words.ts';
import { startBound } from './bounds.ts';
import { firstAfterPreflight } from './order.ts';
import { type Bound, type NodeView, type Outcome, type Phase, type PhaseAtNode, unended } from './phase.ts';

/** How long past its own deadline a preflight pod may linger, its kubelet being slow, before it counts as lost. */
const PREFLIGHT_GRACE_MS = 60_000;

function at(view: NodeView): PhaseAtNode {
  const { node, work, status } = view;
  const pod = work.preflight;
  return {
    over: () => outcome(view),
    takenBack: (why) => ({ to: 'Cancelled', status, message: why }),
    bounds: () => bounds(view),
    going: () =>
      pod === undefined
        ? {
            status,
            actions: [
              { type: 'create-preflight', node: node.name, reason: 'check whether the node needs work' },
            ],
            waitsFor: status.message,
          }
        : { status, actions: [], waitsFor: atNode(waitingReason(pod), node) },
  };
}

function outcome({ ctx, work, status }: NodeView): Outcome | undefined {
  const pod = work.preflight;
  const next = (): Outcome => ({
    to: 'next',
    status: enter(ctx, status, firstAfterPreflight(ctx.facts.spec)),
  });
  if (ctx.facts.spec.preflight === undefined) return next();
  if (pod?.state === 'failed')
    return {
      to: 'Failed',
      status: withLastWords(ctx, status, pod),
      message: `preflight failed: ${podReason(pod)}`,
    };
  if (pod?.state !== 'succeeded') return undefined;
  const reason = pod.message?.trim() ?? '';
  if (reason === '') return next();
  return {
    to: 'Completed',
    status: { ...status, rebootStatus: 'not-requested' },
    message: `Skipped by preflight: ${reason}`,
  };
}

function bounds(view: NodeView): Bound[] {
  const { ctx, node, work, status } = view;
  const check = ctx.facts.spec.preflight;
  const pod = work.preflight;
  if (check === undefined || pod === undefined) return [];
  // By the later of two clocks, the server's and this agent's: one that is off fails no node.
  const began = Math.max(pod.createdAt, since(status));
  const lost: Bound = {
    at: began + check.activeDeadlineSeconds * 1000 + PREFLIGHT_GRACE_MS,
    why: () => {
      const waits = atNode(waitingReason(pod), node);
      const text = `preflight pod ${preflightName(ctx.facts, node.name)} did not end within its deadline`;
      return waits === undefined ? text : `${text}: ${waits}`;
    },
  };
  return pod.started ? [lost] : [lost, startBound(view, began, 'the preflight', pod)];
}

/** The check before anything is touched: it says whether the node needs work at all. */
export const preflight: Phase = { at, started: ({ preflight: pod }) => unended(pod) };
