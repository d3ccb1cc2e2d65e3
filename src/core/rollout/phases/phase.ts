import type { NodePhase, NodeStatus } from '../../../api/nodeop.ts';
import type { Action } from '../actions.ts';
import type { NodeFacts, WorkFacts } from '../facts.ts';
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

/** What a phase has led to: the entry in its next phase, or the verdict on the node. */
export type Outcome =
  | { to: 'next'; status: NodeStatus }
  | { to: 'Completed'; status: NodeStatus; message?: string }
  | { to: 'Failed'; status: NodeStatus; message: string };

/** What a phase needs to go on, and what it waits for. */
export interface Going {
  status: NodeStatus;
  actions: Action[];
  /** For people; undefined when nothing is out of the ordinary. */
  waitsFor: string | undefined;
  /** When to look again although nothing changed; epoch milliseconds. */
  lookAgainAt?: number | undefined;
}

/** The rules of one phase. All of them are derived from what is observed, so a restart changes nothing. */
export interface Phase {
  at: (view: NodeView) => PhaseAtNode;
  /** What it made on a node that is to be taken away once the node has moved on and that is on record. */
  leaves: (node: string, work: WorkFacts) => Action[];
}

export interface PhaseAtNode {
  /** Whether it is over, and how. */
  over: () => Outcome | undefined;
  /** How long it may take: until when (epoch milliseconds), and why the node fails then. */
  timeout: () => { at: number; why: () => string } | undefined;
  /** What it asks for while it goes on. */
  going: () => Going;
}
