import { spoken } from '../../text/table.ts';
import { type DrainPlan, planDrain, waitingText } from '../drain.ts';
import { enter, since } from '../node-status.ts';
import { atNode } from '../words.ts';
import type { Going, NodeView, Outcome, Phase, PhaseAtNode } from './phase.ts';

function at(view: NodeView): PhaseAtNode {
  const { ctx, work, status } = view;
  const { drainOptions } = ctx.facts.spec;
  const plan =
    work.drain && drainOptions.enabled
      ? planDrain(work.drain, drainOptions, ctx.facts.agentPod, ctx.now)
      : undefined;
  return {
    over: () => outcome(view, plan),
    takenBack: (why) => ({ to: 'Cancelled', status, message: why }),
    bounds: () => {
      const bound = drainOptions.timeoutSeconds;
      if (plan === undefined || !view.node.unschedulable || bound === 0) return [];
      const why = () => `drain timed out after ${spoken(bound)}: ${atNode(waitingText(plan), view.node)}`;
      return [{ at: since(status) + bound * 1000, why }];
    },
    going: () => going(view, plan),
  };
}

function outcome({ ctx, node, status }: NodeView, plan: DrainPlan | undefined): Outcome | undefined {
  if (!node.unschedulable) return undefined;
  if (plan?.refused !== undefined) return { to: 'Failed', status, message: `drain refused: ${plan.refused}` };
  const isDrained = plan === undefined ? !ctx.facts.spec.drainOptions.enabled : plan.waiting.length === 0;
  return isDrained ? { to: 'next', status: enter(ctx, status, 'Running') } : undefined;
}

function going({ ctx, node, status }: NodeView, plan: DrainPlan | undefined): Going {
  const unchanged = { status, waitsFor: status.message };
  if (!node.unschedulable) {
    const reason = ctx.facts.spec.drainOptions.enabled
      ? 'no new pods while the node is drained'
      : 'no new pods during the operation';
    return { ...unchanged, actions: [{ type: 'cordon', node: node.name, reason }] };
  }
  if (plan === undefined) {
    const reason = 'see which pods are to be evicted';
    return { ...unchanged, actions: [{ type: 'watch-pods', node: node.name, reason }] };
  }
  const evict = plan.evict.map(
    (pod) => ({ type: 'evict', node: node.name, pod, reason: 'the node is drained' }) as const,
  );
  return { status, actions: evict, waitsFor: atNode(waitingText(plan), node), lookAgainAt: plan.retryAt };
}

/** The node is cordoned, and drained where that is asked for. Pods of others end by their own rules. */
export const draining: Phase = { at, started: () => [] };
