import type { NodeOpSpec, NodeStatus } from '../../../api/nodeop.ts';
import { enter, type NodeContext } from '../node-status.ts';
import type { Outcome } from './phase.ts';

/** The phase a node enters first when it is started. */
export function firstPhase(spec: NodeOpSpec): 'Preflight' | 'Draining' | 'Running' {
  return spec.preflight ? 'Preflight' : firstAfterPreflight(spec);
}

export function firstAfterPreflight(spec: NodeOpSpec): 'Draining' | 'Running' {
  return spec.cordon || spec.drainOptions.enabled ? 'Draining' : 'Running';
}

/** What follows once the command, and the reboot where there is one, have succeeded. */
export function afterOperation(ctx: NodeContext, status: NodeStatus): Outcome {
  return ctx.facts.spec.postflight === undefined
    ? { to: 'Completed', status }
    : { to: 'next', status: enter(ctx, status, 'Postflight') };
}
