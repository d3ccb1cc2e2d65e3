import { spoken } from '../../text/table.ts';
import { deletion } from '../ending.ts';
import { postflightName } from '../names.ts';
import { since, withLastWords } from '../node-status.ts';
import { atNode, podReason } from '../words.ts';
import { checkBounds, checkGoing } from './check-pod.ts';
import {
  type Bound,
  type Going,
  type NodeView,
  type Outcome,
  type Phase,
  type PhaseAtNode,
  unended,
} from './phase.ts';
import { isUnexplained, whyUnbegun } from './silence.ts';

function at(view: NodeView): PhaseAtNode {
  const { ctx, status } = view;
  return {
    over: () => outcome(view),
    // The command has done its work: a run that is taken back lets the check finish, unless the NodeOp itself goes.
    takenBack: (why) =>
      ctx.facts.deleted
        ? { to: 'Failed', status, message: `stopped before its postflight had passed: ${why}` }
        : undefined,
    bounds: () => bounds(view),
    going: () => going(view),
  };
}

function outcome(view: NodeView): Outcome | undefined {
  const { ctx, work, status } = view;
  const pod = work.postflight;
  if (ctx.facts.spec.postflight === undefined || pod?.state === 'succeeded')
    return { to: 'Completed', status };
  if (pod?.state !== 'failed' || isUnexplained(view, pod)) return undefined;
  const code = pod.exitCode === undefined ? {} : { exitCode: pod.exitCode };
  return {
    to: 'Failed',
    status: withLastWords(ctx, { ...status, ...code }, pod),
    message: `postflight failed: ${podReason(pod)}${whyUnbegun(view, pod)}`,
  };
}

function bounds(view: NodeView): Bound[] {
  const { ctx, node, work, status } = view;
  const { postflight: check, nodeReadyTimeoutSeconds } = ctx.facts.spec;
  const pod = work.postflight;
  if (check === undefined) return [];
  if (pod !== undefined) {
    const name = postflightName(ctx.facts, node.name);
    return checkBounds(view, pod, { kind: 'postflight', name, seconds: check.activeDeadlineSeconds });
  }
  if (node.ready) return [];
  const from = Math.max(since(status), node.readySince ?? 0);
  const why = () =>
    `not Ready for ${spoken(nodeReadyTimeoutSeconds)} after the operation: no postflight was run`;
  return [{ at: from + nodeReadyTimeoutSeconds * 1000, why }];
}

function going(view: NodeView): Going {
  const { node, work, status } = view;
  const pod = work.postflight;
  if (pod !== undefined) return checkGoing(view, pod);
  if (!node.ready) return { status, actions: [], waitsFor: atNode(undefined, node) };
  const [reboot] = unended(work.reboot);
  if (reboot !== undefined) {
    // The node came back before the pod had begun that asks for it: nothing else begins beside it.
    const actions = reboot.deleting ? [] : [deletion(node.name, reboot)];
    return { status, actions, waitsFor: `waiting until pod ${reboot.name} is gone` };
  }
  const reason = 'check whether the operation has worked';
  return {
    status,
    actions: [{ type: 'create-postflight', node: node.name, reason }],
    waitsFor: status.message,
  };
}

/** The check of a node that is Ready again and still cordoned: it says whether the operation has worked. */
export const postflight: Phase = { at, started: ({ postflight: pod }) => unended(pod) };
