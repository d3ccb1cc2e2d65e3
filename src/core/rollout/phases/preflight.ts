import { preflightName } from '../names.ts';
import { enter, withLastWords } from '../node-status.ts';
import { podReason } from '../words.ts';
import { checkBounds, checkGoing } from './check-pod.ts';
import { firstAfterPreflight } from './order.ts';
import { type Bound, type NodeView, type Outcome, type Phase, type PhaseAtNode, unended } from './phase.ts';
import { isUnexplained, whyUnbegun } from './silence.ts';

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
        : checkGoing(view, pod),
  };
}

function outcome(view: NodeView): Outcome | undefined {
  const { ctx, work, status } = view;
  const pod = work.preflight;
  const next = (): Outcome => ({
    to: 'next',
    status: enter(ctx, status, firstAfterPreflight(ctx.facts.spec)),
  });
  if (ctx.facts.spec.preflight === undefined) return next();
  if (pod?.state === 'failed')
    return isUnexplained(view, pod)
      ? undefined
      : {
          to: 'Failed',
          status: withLastWords(ctx, status, pod),
          message: `preflight failed: ${podReason(pod)}${whyUnbegun(view, pod)}`,
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
  const { facts } = view.ctx;
  const { preflight: check } = facts.spec;
  const pod = view.work.preflight;
  if (check === undefined || pod === undefined) return [];
  const name = preflightName(facts, view.node.name);
  return checkBounds(view, pod, { kind: 'preflight', name, seconds: check.activeDeadlineSeconds });
}

/** The check before anything is touched: it says whether the node needs work at all. */
export const preflight: Phase = { at, started: ({ preflight: pod }) => unended(pod) };
