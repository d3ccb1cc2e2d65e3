import { ANNOTATION_CANCEL, ANNOTATION_SPEC } from '../../api/labels.ts';
import {
  isFinalNodePhase,
  NODE_PHASES,
  type NodeOp,
  type NodeOpStatus,
  type NodePhase,
  type NodeStatus,
  type RolloutPhase,
} from '../../api/nodeop.ts';
import { firstFailure, outcomeText, summarise } from '../rollout/summary.ts';

/** A Job as far as it tells how its node is doing. */
export interface JobView {
  ended: boolean;
  startedAt: string | undefined;
}

/** What is known besides the NodeOp: its status names the nodes one by one, as each is begun. */
export interface ExternalFacts {
  /** Names of the nodes that match its selector now. */
  targets: readonly string[];
  /** The Jobs of its namespace, by name. */
  jobs: ReadonlyMap<string, JobView>;
}

/** Whether another controller wrote the status: this agent records the spec on what it begins with, and says what it observed. */
export function isOthers({ metadata, status }: NodeOp): boolean {
  if (status === undefined || metadata.annotations?.[ANNOTATION_SPEC] !== undefined) return false;
  return status.observedGeneration === undefined && Object.keys(status).length > 0;
}

const REMOVED =
  'the run file was removed, but this controller cannot be asked to stop; deleting the NodeOp does';

/**
 * A NodeOp that another controller carries out, its status put as ours would be. The phase of the whole is
 * not taken at its word: that controller says Failed while other nodes are still worked on, Completed
 * between two nodes, and Running for good once a node had failed. The nodes say what is over.
 */
export function understood(nodeOp: NodeOp, { targets, jobs }: ExternalFacts): NodeOp {
  const { status: told = {}, metadata, spec } = nodeOp;
  const recorded = Object.entries(told.nodeStatuses ?? {});
  const nodes = recorded.map(([name, node]) => [name, understoodNode(node, jobs)] as const);
  const known = new Set(recorded.map(([name]) => name));
  const toCome = targets.filter((name) => !known.has(name));
  const inFlight = nodes.some(([, { phase }]) => !isFinalNodePhase(phase));
  const failed = nodes.some(([, { phase }]) => phase === 'Failed');
  const stopped = failed && spec.stopOnFailure;
  const refused = nodes.length === 0 && told.phase === 'Failed';
  const none = known.size + toCome.length === 0 && told.phase === 'Completed';
  const over = refused || none || (!inFlight && nodes.length > 0 && (toCome.length === 0 || stopped));

  const rest = toCome.map((name) => [name, notBegun(over)] as const);
  const nodeStatuses = Object.fromEntries(
    [...nodes, ...rest].map(([name, node]) => [name, over ? node : withoutEnd(node)]),
  );
  const phase = over
    ? failed || refused || none
      ? 'Failed'
      : 'Completed'
    : nodes.length > 0
      ? 'Running'
      : 'Pending';
  const startedAt = metadata.creationTimestamp;
  const completedAt = over ? latest(told, nodeStatuses) : undefined;
  const removed = !over && metadata.annotations?.[ANNOTATION_CANCEL] !== undefined;
  const status: NodeOpStatus = {
    phase,
    summary: summarise(Object.values(nodeStatuses)),
    nodeStatuses,
    ...(startedAt !== undefined && { startedAt }),
    ...(completedAt !== undefined && { completedAt }),
  };
  status.conditions = [{ type: 'Ready', ...readiness(status, phase, removed) }];
  return { ...nodeOp, status };
}

/** Its Completed comes before the reboot; its Failed, after the first of several attempts. */
function understoodNode(node: NodeStatus, jobs: ReadonlyMap<string, JobView>): NodeStatus {
  const job = node.jobName === undefined ? undefined : jobs.get(node.jobName);
  const { lastUpdated, ...rest } = node;
  const phase = nodePhase(node, job);
  return {
    ...rest,
    phase,
    ...(job?.startedAt !== undefined && { startedAt: job.startedAt }),
    ...(isFinalNodePhase(phase) && lastUpdated !== undefined && { finishedAt: lastUpdated }),
  };
}

function nodePhase({ phase, jobName, rebootStatus }: NodeStatus, job: JobView | undefined): NodePhase {
  if (phase === 'Completed') return rebootStatus === 'pending' ? 'Rebooting' : 'Completed';
  if (phase === 'Failed') return job?.ended === false ? 'Running' : 'Failed';
  if (phase === 'Pending') return jobName === undefined || jobName === '' ? 'Pending' : 'Running';
  // A word that is not known here is no end.
  return NODE_PHASES.includes(phase) ? phase : 'Running';
}

function notBegun(over: boolean): NodeStatus {
  return over
    ? { phase: 'Cancelled', message: 'not started: another node had failed' }
    : { phase: 'Pending' };
}

/** Some versions write all time stamps anew at every look; a report must not change for that. */
function withoutEnd(node: NodeStatus): NodeStatus {
  const { finishedAt: _, ...rest } = node;
  return rest;
}

function latest(told: NodeOpStatus, nodes: Record<string, NodeStatus>): string | undefined {
  const ends = Object.values(nodes).flatMap((it) => it.finishedAt ?? []);
  return ends.toSorted().at(-1) ?? told.lastUpdated;
}

function readiness({ summary, nodeStatuses = {} }: NodeOpStatus, phase: RolloutPhase, removed: boolean) {
  const counts = summary ?? summarise(Object.values(nodeStatuses));
  const said = counts.total === 0 ? undefined : outcomeText(counts, firstFailure(nodeStatuses));
  const none = counts.total === 0 ? 'no node matches the selector' : undefined;
  const going = phase === 'Running' || phase === 'Pending';
  const parts = going ? [said, none, removed ? REMOVED : undefined] : [said ?? none];
  return {
    status: phase === 'Completed' ? ('True' as const) : ('False' as const),
    reason: going ? (counts.failed > 0 ? 'NodesFailed' : none ? 'NoNodesMatched' : 'Progressing') : phase,
    message: parts.filter((part) => part !== undefined).join('; '),
  };
}
