import type { NodeOpStatus, NodeStatus } from '../../api/nodeop.ts';
import type { Decision } from './decision.ts';
import { ownerMark, type RolloutFacts } from './facts.ts';
import { Fleet } from './fleet.ts';
import { passedOnRecord } from './steps/held.ts';

/** What concerns every node: when it changes, all of them are looked at. */
const OF_ALL = ['spec', 'cancelled', 'cancelledAt', 'deleted', 'agentNode', 'agentPod'] as const;

/** All nodes are looked at again after so long: should a change ever not be told, no node waits for it for good. */
const WHOLE_MS = 300_000;

interface Known {
  fleet: Fleet;
  status: NodeOpStatus;
  ofAll: readonly unknown[];
  /** When all nodes were last looked at. */
  wholeAt: number;
}

/**
 * What is kept between two looks at one rollout, so that the next one costs what changed: the nodes that something was heard
 * of since, and what was found of the others. Whoever changes a fact of a node touches it. Nothing is lost with it:
 * a new memory looks at everything.
 */
export class Memory {
  private readonly touched = new Set<string>();
  private known: Known | undefined;
  private readonly wholeMs: number;

  /** @param wholeMs after how long all nodes are looked at again */
  constructor(wholeMs = WHOLE_MS) {
    this.wholeMs = wholeMs;
  }

  /** Something of this node's facts, of its entry on record, or of an action on it has changed. */
  touch(node: string): void {
    if (this.known !== undefined) this.touched.add(node);
  }

  /** Anything may have changed. */
  forget(): void {
    this.known = undefined;
    this.touched.clear();
  }

  /** Somebody holds the status that was decided last: what it says of the nodes does not change from now on. */
  share(): void {
    this.known?.fleet.share();
  }

  look(
    facts: RolloutFacts,
    targets: Record<string, NodeStatus>,
    now: number,
    pass: (fleet: Fleet, due: Iterable<number>) => Decision,
  ): Decision {
    const ofAll = [...OF_ALL.map((key) => facts[key]), ownerMark(facts), passedOnRecord(facts.persisted)];
    const known = this.stillTrue(facts, ofAll, now);
    const fleet = known?.fleet ?? new Fleet(facts, targets);
    const due = known === undefined ? fleet.names.keys() : this.dueIn(fleet, now);
    // A look that fails in its middle leaves nothing to go on from.
    this.forget();
    const decision = this.whole(fleet, () => pass(fleet, due));
    this.known = { fleet, status: decision.status, ofAll, wholeAt: known?.wholeAt ?? now };
    // The entry of a node is one of its facts.
    for (const node of decision.changed?.keys() ?? []) this.touch(node);
    return decision;
  }

  /** A look that fails leaves the entries as they were: some of them may have been changed in place. */
  private whole(fleet: Fleet, pass: () => Decision): Decision {
    try {
      return pass();
    } catch (error) {
      fleet.takeBack();
      throw error;
    }
  }

  private stillTrue(facts: RolloutFacts, ofAll: readonly unknown[], now: number): Known | undefined {
    const { known } = this;
    if (known === undefined || known.status !== facts.status || !isSame(known.ofAll, ofAll)) return undefined;
    return now < known.wholeAt + this.wholeMs ? known : undefined;
  }

  private dueIn(fleet: Fleet, now: number): number[] {
    const due = new Set<number>();
    for (const name of this.touched) {
      const place = fleet.placeOf(name);
      if (place !== undefined) due.add(place);
    }
    // Who takes a cordon over depends on other NodeOps.
    for (const [i, { wakeAt, undoing }] of fleet.notable) if (wakeAt <= now || undoing.length > 0) due.add(i);
    return [...due].toSorted((a, b) => a - b);
  }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.every((value, i) => value === b[i]);
}
