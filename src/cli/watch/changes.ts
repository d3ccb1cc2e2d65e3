import type { NodeOpStatus, NodePhase, RolloutPhase } from '../../api/nodeop.ts';
import type { StepPhase } from '../../api/steps.ts';
import { own } from '../../api/own.ts';

/** One piece of news of a rollout; a script reads these as JSON, one a line. `time` is RFC 3339. */
export type Change =
  | { type: 'rollout'; time: string; phase: RolloutPhase; done: string; failed: number; message: string }
  | { type: 'node'; time: string; node: string; phase: NodePhase; message: string }
  | { type: 'step'; time: string; step: string; phase: StepPhase; message: string }
  | { type: 'deleted'; time: string };

/** What is new in `after`; of nodes that wait for their turn nothing is said. */
export function changesOf(before: NodeOpStatus | undefined, after: NodeOpStatus, now: Date): Change[] {
  // Of what was there before anybody watched it is known when it came about.
  const at = (known: string | undefined) => (before === undefined && known) || now.toISOString();
  const changes: Change[] = [];
  for (const [node, status] of Object.entries(after.nodeStatuses ?? {})) {
    const { phase, message = '', finishedAt, phaseStartedAt, startedAt } = status;
    const was = own(before?.nodeStatuses, node);
    const known = was?.phase === phase && (was.message ?? '') === message;
    const time = at(finishedAt ?? phaseStartedAt ?? startedAt);
    if (!known && phase !== 'Pending') changes.push({ type: 'node', time, node, phase, message });
  }
  for (const [i, { name, phase, message = '', since }] of (after.steps ?? []).entries()) {
    const was = before?.steps?.[i];
    const known = was?.phase === phase && (was.message ?? '') === message;
    if (!known && phase !== 'Pending')
      changes.push({ type: 'step', time: at(since), step: name, phase, message });
  }
  // ISO times, which sort as text.
  if (before === undefined) changes.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
  const { phase = 'Pending', completedAt } = after;
  const [told, message] = [before && readyMessage(before), readyMessage(after)];
  const same =
    before?.phase === after.phase && before?.summary?.done === after.summary?.done && told === message;
  if (before === undefined || !same) {
    const { done = '0/0', failed = 0 } = after.summary ?? {};
    changes.push({ type: 'rollout', time: at(completedAt), phase, done, failed, message });
  }
  return changes;
}

function readyMessage(status: NodeOpStatus): string {
  return status.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
}
