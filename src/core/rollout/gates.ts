import { closedBecause } from '../window.ts';
import type { RolloutFacts } from './facts.ts';
import { stepHeld } from './steps/held.ts';

/** What holds something back, and until when (on the steady clock), if that is known. */
export interface Held {
  why: string;
  until?: number | undefined;
  /** It comes and goes by itself, and nobody's waiting begins anew after it. */
  passes?: true;
}

type RunGate = (facts: RolloutFacts, now: number) => Held | undefined;
type NodeGate = (facts: RolloutFacts, node: string) => Held | undefined;

const heldByPeople: RunGate = ({ hold }) => (hold === undefined ? undefined : { why: hold.text });

const withoutPlace: RunGate = ({ placeHeld }) =>
  placeHeld === undefined ? undefined : { why: placeHeld, passes: true };

const suspended: RunGate = ({ spec }) =>
  spec.suspend ? { why: 'suspended: no new node is started' } : undefined;

const outsideWindow: RunGate = ({ window, wall }, now) => {
  const closed = closedBecause(window, wall);
  const { opensAt } = closed ?? {};
  return closed && { why: closed.reason, until: opensAt && now + opensAt - wall, passes: true };
};

const claimed: NodeGate = ({ claims }, node) => {
  const holder = claims.get(node);
  return holder === undefined ? undefined : { why: `busy with ${holder}` };
};

/** Each may hold back all nodes that are not started yet. */
const RUN_GATES: readonly RunGate[] = [heldByPeople, suspended, stepHeld, outsideWindow, withoutPlace];
/** Each may hold back one node in its turn. */
const NODE_GATES: readonly NodeGate[] = [claimed];

/** Why no node of the run may be started now. */
export const runHeld: RunGate = (facts, now) => first(RUN_GATES, (gate) => gate(facts, now));

/** Why this node may not be started though it is its turn. */
export const nodeHeld: NodeGate = (facts, node) => first(NODE_GATES, (gate) => gate(facts, node));

/** A node that is not Ready has no turn yet: the others go first. */
export const notReady: NodeGate = ({ nodes }, node) =>
  nodes.get(node)?.ready === true ? undefined : { why: 'not Ready' };

function first<Gate>(gates: readonly Gate[], ask: (gate: Gate) => Held | undefined): Held | undefined {
  for (const gate of gates) {
    const held = ask(gate);
    if (held !== undefined) return held;
  }
  return undefined;
}
