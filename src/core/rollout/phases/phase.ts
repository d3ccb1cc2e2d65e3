import type { NodePhase, NodeStatus } from '../../../api/nodeop.ts';
import type { Action } from '../actions.ts';
import type { JobFacts, NodeFacts, PodFacts, WorkFacts } from '../facts.ts';
import type { NodeContext } from '../node-status.ts';

/** The phases a node passes through between its first and its last step. */
export type InFlightPhase = Exclude<NodePhase, 'Pending' | 'Completed' | 'Failed' | 'Cancelled'>;

/** One node as one look sees it. */
export interface NodeView {
  ctx: NodeContext;
  node: NodeFacts;
  work: WorkFacts;
  status: NodeStatus;
}

/** The verdict on a node, before what was started there has ended. */
export interface Verdict {
  to: 'Completed' | 'Failed' | 'Cancelled';
  status: NodeStatus;
  message?: string;
  /** It holds only if the command has not begun by the time its Job is gone. */
  unbegun?: boolean;
}

/** What a phase has led to: the entry in its next phase, or the verdict on the node. */
export type Outcome = { to: 'next'; status: NodeStatus } | Verdict;

/** What a phase needs to go on, and what it waits for. */
export interface Going {
  status: NodeStatus;
  actions: Action[];
  /** For people; undefined when nothing is out of the ordinary. */
  waitsFor: string | undefined;
  /** When to look again although nothing changed; epoch milliseconds. */
  lookAgainAt?: number | undefined;
}

/** Until when something may take (epoch milliseconds), and why the node fails past it. */
export interface Bound {
  at: number;
  why: () => string;
  /** The command has not begun, as far as is known. */
  unbegun?: boolean;
  /** The entry that the verdict is put into, where it is another one. */
  status?: NodeStatus;
}

/** Something that was started for a node and may still run there, or begin to. */
export type Started = ({ kind: 'job' } & JobFacts) | ({ kind: 'pod' } & PodFacts);

/** The rules of one phase. All of them are derived from what is observed, so a restart changes nothing. */
export interface Phase {
  at: (view: NodeView) => PhaseAtNode;
  /** What it has started on a node that has not ended: it must not outlive the verdict. */
  started: (work: WorkFacts) => Started[];
}

export interface PhaseAtNode {
  /** Whether it is over, and how. */
  over: () => Outcome | undefined;
  /** What becomes of the node when its run is taken back now; undefined when it may finish. */
  takenBack: (why: string) => Verdict | undefined;
  /** How long it may take. */
  bounds: () => Bound[];
  /** What it asks for while it goes on. */
  going: () => Going;
}

/** Nothing of it runs any more, nor will. */
export function hasEnded({ state }: PodFacts): boolean {
  return state === 'succeeded' || state === 'failed';
}

export function unended(pod: PodFacts | undefined): Started[] {
  return pod === undefined || hasEnded(pod) ? [] : [{ kind: 'pod', ...pod }];
}

/** Whether all that is known of a node was read anew since that time. */
export function isConfirmed(work: WorkFacts | undefined, since: number): boolean {
  return (work?.confirmedAt ?? -Infinity) >= since;
}
