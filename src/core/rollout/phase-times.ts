import type { Job, Pod } from '../../api/kubernetes.ts';
import { CONTAINER, LABEL_POSTFLIGHT, LABEL_PREFLIGHT, LABEL_REBOOT } from '../../api/labels.ts';
import {
  isFinalNodePhase,
  NODE_PHASES,
  type NodeOpSpec,
  type NodePhase,
  type NodeStatus,
} from '../../api/nodeop.ts';

/** What was made for a node, as far as it is there. */
export interface Made {
  job: Job | undefined;
  pods: readonly Pod[];
}

export interface PhaseTime {
  phase: NodePhase;
  /** Epoch milliseconds, as `until`, which is absent while it goes on. */
  from: number;
  until?: number;
}

interface Times {
  from: number;
  until?: number | undefined;
}

type Known = { [Phase in NodePhase]?: Times | undefined };

/** As the API server has it: definitions of other versions, and of other controllers, put in no defaults. */
type Stored = Pick<NodeOpSpec, 'preflight'> & Partial<Pick<NodeOpSpec, 'cordon' | 'drainOptions'>>;

/**
 * When each phase of a node began and ended. A status keeps no more than the present one, so that those of 5,000 nodes have
 * room in one object: the others are told by what was made in them, and left out where that is gone.
 */
export function phaseTimes(spec: Stored, status: NodeStatus, { job, pods }: Made): PhaseTime[] {
  const began = ms(status.startedAt);
  if (began === undefined) return [];
  const known: Known = {
    Preflight: podTimes(pods, LABEL_PREFLIGHT),
    Running: jobTimes(job),
    Rebooting: rebootTimes(pods),
    Postflight: podTimes(pods, LABEL_POSTFLIGHT),
  };
  if (!isFinalNodePhase(status.phase)) known[status.phase] = { from: ms(status.phaseStartedAt) ?? began };
  const { Preflight, Running } = known;
  const drainedFrom = spec.preflight && !Preflight ? undefined : (Preflight?.until ?? began);
  // Where the command never came about, it is a drain that failed only if there was nothing before it that may have.
  const isDrained = Running ?? (status.phase === 'Failed' && !status.jobName && !spec.preflight);
  const isCordoned = spec.cordon === true || spec.drainOptions?.enabled === true;
  if (isCordoned && isDrained && drainedFrom !== undefined)
    known.Draining = { from: drainedFrom, until: Running?.from };
  const end = ms(status.finishedAt);
  const phases = NODE_PHASES.flatMap((phase) => (known[phase] ? { phase, ...known[phase] } : []));
  return phases.map(({ phase, from, until }, i) => {
    const to = until ?? phases[i + 1]?.from ?? end;
    return { phase, from, ...(to !== undefined && { until: Math.max(to, from) }) };
  });
}

function jobTimes(job: Job | undefined) {
  const from = ms(job?.metadata.creationTimestamp);
  if (from === undefined) return undefined;
  const { completionTime, conditions = [] } = job?.status ?? {};
  const failed = conditions.find(({ type, status }) => type === 'Failed' && status === 'True');
  return { from, until: ms(completionTime ?? failed?.lastTransitionTime) };
}

/** Of one that is tried again all tries, as long as none goes on. */
function podTimes(pods: readonly Pod[], label: string) {
  const its = pods.filter(({ metadata }) => metadata.labels?.[label] !== undefined);
  if (its.length === 0) return undefined;
  const ends = its.map(endOf);
  const until = ends.includes(undefined) ? undefined : Math.max(...ends.map((end) => end ?? 0));
  return { from: firstOf(its), until };
}

/** What ends it is that the node is back, and not that its pod is over. */
function rebootTimes(pods: readonly Pod[]) {
  const times = podTimes(pods, LABEL_REBOOT);
  return times && { from: times.from };
}

function firstOf(pods: readonly Pod[]): number {
  return Math.min(...pods.map(({ metadata }) => ms(metadata.creationTimestamp) ?? Infinity));
}

function endOf({ status }: Pod): number | undefined {
  const container = status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  return ms(container?.state?.terminated?.finishedAt);
}

function ms(time: string | undefined): number | undefined {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? undefined : at;
}
