import type { Obj } from '../../../../src/sim/store/object.ts';
import type { Store } from '../../../../src/sim/store/store.ts';

/** What is to be seen of a cluster from outside: simulated in this process, or told of by another one. */
export interface Seen {
  store: Pick<Store, 'all' | 'get' | 'podsOn' | 'watchAll'>;
  nodeOps: () => Obj[];
}

/** Milliseconds. */
export interface Time {
  readonly now: number;
  after: (ms: number, call: () => void) => unknown;
}
