import type { NodeOpStatus, NodeStatus } from '../../api/nodeop.ts';
import type { Action } from './actions.ts';

/** What follows from one look at a rollout. */
export interface Decision {
  actions: Action[];
  status: NodeOpStatus;
  /** By node the entries that changed, as they were before: of thousands only a few do at a look. */
  changed?: ReadonlyMap<string, NodeStatus>;
  /** When to look again although nothing changed; on the clock of `now`. */
  lookAgainAt: number | undefined;
  /** Nodes that are done keep their places until the status is on record. */
  awaitsRecord?: boolean;
}
