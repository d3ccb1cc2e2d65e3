import type { KubeObject, Node } from '../../api/kubernetes.ts';
import type { Clock } from '../../core/ports.ts';
import { wallOffset } from '../../core/rollout/record.ts';

/**
 * When things in the cluster began, on the steady clock. What began while this process looked on, began when it saw it:
 * neither another machine's clock nor one that is set makes a wait end early. Of what was there before there is only its
 * stamp; one that is yet to come counts as now.
 */
export class Moments {
  private readonly clock: Clock;
  private readonly known = new Map<string, { stamp: string; at: number }>();
  /** To be set once what was there before is known. */
  looksOn = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The object with the time of its creation on the steady clock. */
  created<T extends KubeObject>(object: T, gone: boolean): T {
    const { uid = '', creationTimestamp } = object.metadata;
    const at = this.at(`created ${uid}`, creationTimestamp);
    if (gone) this.known.delete(`created ${uid}`);
    return at === undefined
      ? object
      : { ...object, metadata: { ...object.metadata, creationTimestamp: new Date(at).toISOString() } };
  }

  /** The same of when a node became Ready, or ceased to be. */
  ready(node: Node, gone: boolean): Node {
    const key = `ready ${node.metadata.name ?? ''}`;
    const conditions = node.status?.conditions?.map((condition) => {
      if (condition.type !== 'Ready') return condition;
      const at = this.at(key, condition.lastTransitionTime);
      return at === undefined ? condition : { ...condition, lastTransitionTime: new Date(at).toISOString() };
    });
    if (gone) this.known.delete(key);
    return conditions ? { ...node, status: { ...node.status, conditions } } : node;
  }

  private at(key: string, stamp: string | undefined): number | undefined {
    const time = Date.parse(stamp ?? '');
    if (stamp === undefined || Number.isNaN(time)) return undefined;
    const known = this.known.get(key);
    if (known?.stamp === stamp) return known.at;
    const now = this.clock.steady();
    const offset = wallOffset(this.clock.wall(), now);
    const at = this.looksOn ? now : Math.min(time - offset, now);
    this.known.set(key, { stamp, at });
    return at;
  }
}
