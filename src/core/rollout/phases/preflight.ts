import { enter, since, withLastWords } from '../node-status.ts';
import { preflightName } from '../names.ts';
import { podReason, waitingReason } from '../words.ts';
import { firstAfterPreflight } from './order.ts';
import type { NodeView, Outcome, Phase, PhaseAtNode } from './phase.ts';

/** How long past its own deadline a preflight pod may linger, its kubelet being slow, before it counts as lost. */
const PREFLIGHT_GRACE_MS = 60_000;

function at(view: NodeView): PhaseAtNode {
  const { ctx, node, work, status } = view;
  const pod = work.preflight;
  const check = ctx.facts.spec.preflight;
  return {
    over: () => outcome(view),
    timeout: () => {
      if (check === undefined || pod === undefined) return undefined;
      // By the later of two clocks, the server's and this agent's: one that is off fails no node.
      const began = Math.max(pod.createdAt, since(status));
      return {
        at: began + check.activeDeadlineSeconds * 1000 + PREFLIGHT_GRACE_MS,
        why: () => `preflight pod ${preflightName(ctx.facts, node.name)} did not end within its deadline`,
      };
    },
    going: () =>
      pod === undefined
        ? {
            status,
            actions: [
              { type: 'create-preflight', node: node.name, reason: 'check whether the node needs work' },
            ],
            waitsFor: status.message,
          }
        : { status, actions: [], waitsFor: waitingReason(pod) },
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

/** The check before anything is touched: it says whether the node needs work at all. */
export const preflight: Phase = {
  at,
  leaves: (node, { preflight: pod }) =>
    pod === undefined ? [] : [{ type: 'delete-preflight', node, reason: 'its verdict is on record' }],
};
