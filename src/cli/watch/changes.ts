import type { NodeOpStatus, NodePhase, RolloutPhase } from '../../api/nodeop.ts';
import type { StepPhase } from '../../api/steps.ts';

/** One piece of news of a rollout; a script reads these as JSON, one a line. `time` is RFC 3339. */
export type Change =
  | { type: 'rollout'; time: string; phase: RolloutPhase; done: string; failed: number; message: string }
  | { type: 'node'; time: string; node: string; phase: NodePhase; message: string }
  | { type: 'step'; time: string; step: string; phase: StepPhase; message: string }
  | { type: 'deleted'; time: string };

/** What is new in `after`; of nodes that wait for their turn nothing is said. */
export function changesOf(before: NodeOpStatus | undefined, after: NodeOpStatus, now: Date): Change[] {
  const time = now.toISOString();
  const changes: Change[] = [];
  for (const [node, { phase, message = '' }] of Object.entries(after.nodeStatuses ?? {})) {
    const was = before?.nodeStatuses?.[node];
    const known = was?.phase === phase && (was.message ?? '') === message;
    if (!known && phase !== 'Pending') changes.push({ type: 'node', time, node, phase, message });
  }
  for (const [i, { name, phase, message = '' }] of (after.steps ?? []).entries()) {
    const was = before?.steps?.[i];
    const known = was?.phase === phase && (was.message ?? '') === message;
    if (!known && phase !== 'Pending') changes.push({ type: 'step', time, step: name, phase, message });
  }
  const { phase = 'Pending' } = after;
  const [told, message] = [before && readyMessage(before), readyMessage(after)];
  const same =
    before?.phase === after.phase && before?.summary?.done === after.summary?.done && told === message;
  if (before === undefined || !same) {
    const { done = '0/0', failed = 0 } = after.summary ?? {};
    changes.push({ type: 'rollout', time, phase, done, failed, message });
  }
  return changes;
}

function readyMessage(status: NodeOpStatus): string {
  return status.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
}
