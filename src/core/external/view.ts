import type { Job, Node } from '../../api/kubernetes.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { matches } from '../rollout/targets.ts';
import { type JobView, understood } from './status.ts';

/** The nodes and Jobs of a cluster as far as NodeOps of another controller are understood by them. */
export class ExternalView {
  private readonly labels = new Map<string, Readonly<Record<string, string>>>();
  /** By namespace, then by name. */
  private readonly jobs = new Map<string, Map<string, JobView>>();

  /** Takes in a node; whether that alters anything. A node tells of itself every few minutes. */
  node({ metadata }: Node, gone = false): boolean {
    const { name = '', labels = {} } = metadata;
    const known = this.labels.get(name);
    if (gone) this.labels.delete(name);
    else this.labels.set(name, labels);
    return gone || JSON.stringify(known) !== JSON.stringify(labels);
  }

  job({ metadata, status }: Job, gone = false): boolean {
    const { name = '', namespace = '' } = metadata;
    const known = this.jobs.get(namespace) ?? new Map<string, JobView>();
    this.jobs.set(namespace, known);
    const ended = status?.conditions?.some(
      (it) => (it.type === 'Complete' || it.type === 'Failed') && it.status === 'True',
    );
    if (gone) known.delete(name);
    else known.set(name, { ended: ended === true, startedAt: status?.startTime });
    return true;
  }

  /** The NodeOp as it stands by everything that is known now. */
  read(nodeOp: NodeOp): NodeOp {
    const targets = [...this.labels]
      .filter(([, labels]) => matches(nodeOp.spec.nodeSelector, labels))
      .map(([name]) => name);
    const jobs = this.jobs.get(nodeOp.metadata.namespace ?? '') ?? new Map<string, JobView>();
    return understood(nodeOp, { targets: targets.toSorted(), jobs });
  }
}
