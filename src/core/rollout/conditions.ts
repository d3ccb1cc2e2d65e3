import type { Condition } from '../../api/kubernetes.ts';
import type { RolloutPhase, Summary } from '../../api/nodeop.ts';
import { counted } from '../text/counts.ts';
import { flat } from '../text/output.ts';
import { spoken } from '../text/table.ts';
import type { RolloutFacts } from './facts.ts';
import { whyNoMatch } from './near-labels.ts';
import { UNGUARDED, unguardedText } from './retries.ts';

/** Characters of a message: far below the 32,768 that `metav1.Condition` allows. */
const LONGEST = 4096;

/** A text of people, servers or containers as the message of a condition: one line, of bounded length. */
export function told(text: string): string {
  return flat(text).slice(0, LONGEST);
}

export const SPEC_CHANGED = {
  type: 'SpecChanged',
  status: 'True',
  reason: 'SpecChanged',
  message:
    'the spec was changed after the run began; the change is not acted on, create a new NodeOp instead',
} as const;

export interface Outcome {
  said: string;
  failure: 'StepFailed' | 'NodesFailed' | undefined;
  waiting: string | undefined;
  nodes: string | undefined;
  refusal: string | undefined;
}

type Said = Omit<Condition, 'lastTransitionTime'>;

/** Conditions as kstatus reads them: Ready, Reconciling, Stalled; the others only when they are so. */
export function conditionsOf(
  facts: RolloutFacts,
  phase: RolloutPhase,
  summary: Summary,
  outcome: Outcome,
  stamp: string,
): Condition[] {
  const isGoing = phase === 'Pending' || phase === 'Running';
  const list = isGoing ? whileGoing(facts, summary, outcome) : atTheEnd(facts, phase, summary, outcome);
  if (facts.specChanged) list.push(SPEC_CHANGED);
  // Its transition tells when: what may go on after that is bounded from there.
  if (facts.cancelled !== undefined)
    list.push({ type: 'Cancelled', status: 'True', reason: 'Cancelled', message: facts.cancelled });
  return list.map((it) => {
    const condition = { ...it, message: told(it.message ?? '') };
    const old = facts.status.conditions?.find(({ type }) => type === condition.type);
    const kept = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: kept ?? stamp };
  });
}

function whileGoing(facts: RolloutFacts, summary: Summary, outcome: Outcome): Said[] {
  const { hold, spec, serverMinor } = facts;
  const { said, failure, waiting, nodes } = outcome;
  const reason = hold === undefined ? (failure ?? (waiting ? 'Waiting' : 'Progressing')) : 'Held';
  // What is waited for tells most, and the counts are beside it; a failure is told in any case.
  const rest = waiting === undefined ? said : failure !== undefined ? `${said}; ${waiting}` : waiting;
  const message = hold === undefined || waiting === hold.text ? rest : `${hold.text}; ${rest}`;
  // What a rollout waits for decides whether it takes a place among others, failures or not.
  const progress = hold !== undefined ? 'Held' : waiting === undefined ? 'Progressing' : 'Waiting';
  // All that is in the way, of the rollout as a whole and of each node.
  const inTheWay = [...new Set([hold?.text, waiting, nodes])].filter((text) => text !== undefined).join('; ');
  const unguarded = unguardedText(spec, serverMinor);
  const list: Said[] = [
    { type: 'Ready', status: 'False', reason, message },
    {
      type: 'Reconciling',
      status: 'True',
      reason: progress,
      message: inTheWay || goingText(facts, summary),
    },
    { type: 'Stalled', status: 'False', reason, message: inTheWay || NOTHING_IN_ITS_WAY },
  ];
  if (hold !== undefined)
    list.unshift({ type: 'Held', status: 'True', reason: `HeldBy${hold.by}`, message: hold.text });
  if (unguarded !== undefined)
    list.push({ type: UNGUARDED, status: 'True', reason: 'ServerLacksFields', message: unguarded });
  return list;
}

function atTheEnd(
  facts: RolloutFacts,
  phase: RolloutPhase,
  summary: Summary,
  { said, failure, refusal }: Outcome,
): Said[] {
  const hasNodes = summary.total > 0;
  const verdict = failure === 'StepFailed' && phase === 'Failed' ? failure : phase;
  const reason = !hasNodes ? 'NoNodesMatched' : refusal === undefined ? verdict : 'Refused';
  const message = hasNodes ? (refusal ?? said) : none(facts);
  const isCompleted = phase === 'Completed';
  return [
    { type: 'Ready', status: isCompleted ? 'True' : 'False', reason, message },
    { type: 'Reconciling', status: 'False', reason, message: 'the rollout has ended' },
    {
      type: 'Stalled',
      // Cancelled is no way to Ready either; what waits for it must not wait for good.
      status: isCompleted ? 'False' : 'True',
      reason,
      message: isCompleted ? NOTHING_IN_ITS_WAY : message,
    },
  ];
}

const NOTHING_IN_ITS_WAY = 'nothing is in its way';

/** What a rollout does that nothing is in the way of. */
function goingText({ cancelled, deleted, spec }: RolloutFacts, summary: Summary): string {
  const { inFlight } = summary;
  const isStopped = cancelled !== undefined || (summary.pending === 0 && summary.cancelled > 0);
  if (!isStopped) return 'the rollout goes on';
  if (inFlight === 0) return 'the rollout was stopped; what it did to nodes is being undone';
  if (deleted) return 'the NodeOp is being deleted; what is under way is being ended';
  const bound = cancelled === undefined ? undefined : spec.cancelTimeoutSeconds;
  const within = bound === undefined ? '' : ` within ${spoken(bound)}`;
  return `the rollout was stopped: no further node is started, ${counted(inFlight, 'node')} in flight may finish${within}`;
}

function none({ spec, nodes, status }: RolloutFacts): string {
  // Said once: labels that nodes get later are no news of a run that is over.
  const said = status.conditions?.find(({ reason }) => reason === 'NoNodesMatched')?.message;
  if (said !== undefined) return said;
  const labels = [...nodes.values()].map((it) => it.labels);
  return `no node matches the selector: ${whyNoMatch(spec.nodeSelector, labels)}`;
}
