import type { Node } from '../api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY } from '../api/labels.ts';
import { isFinalNodePhase, isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { own } from '../api/own.ts';
import { ownerMark } from './rollout/facts.ts';
import { inFlightNodes } from './rollout/status.ts';
import { labelOf, runPathOf } from './runs/identity.ts';
import { oneLine } from './text/table.ts';

/** The mark of a NodeOp on a node that it cordoned. */
export interface Cordon {
  /** `<namespace>/<name>` of who cordoned it. */
  by: string;
  /** That NodeOp; undefined when it is gone. */
  owner: NodeOp | undefined;
  /** Who works on the node now: the owner, or another one under the cordon of one that failed before. */
  worker: NodeOp | undefined;
}

/** A node that a NodeOp cordoned and that stays so although no rollout works on it. */
export interface LeftCordoned {
  node: string;
  by: string;
  why: string;
}

/** Of thousands of nodes each NodeOp is looked through once for each state it is in. */
const known = new WeakMap<NodeOp, readonly string[]>();

function inFlight(nodeOp: NodeOp): readonly string[] {
  const found =
    known.get(nodeOp) ?? (isFinalPhase(nodeOp.status?.phase) ? [] : inFlightNodes(nodeOp.status ?? {}));
  known.set(nodeOp, found);
  return found;
}

/** Who cordoned which node, and who works on it, by all NodeOps there are: asked about thousands of nodes. */
export class Cordons {
  private readonly owners = new Map<string, NodeOp>();
  private readonly workers = new Map<string, NodeOp>();

  constructor(nodeOps: Iterable<NodeOp>) {
    for (const it of nodeOps) {
      const { namespace = '', name = '', uid = '' } = it.metadata;
      this.owners.set(ownerMark({ namespace, name, uid }), it);
      for (const node of inFlight(it)) if (!this.workers.has(node)) this.workers.set(node, it);
    }
  }

  /** The NodeOp that has begun with the node and has no verdict on it yet. */
  workerOf({ metadata: { name = '' } }: Node): NodeOp | undefined {
    return this.workers.get(name);
  }

  /** Undefined when no NodeOp cordoned the node. */
  of(node: Node): Cordon | undefined {
    const mark = node.metadata.annotations?.[ANNOTATION_CORDONED_BY];
    if (mark === undefined) return undefined;
    return {
      by: mark.slice(0, mark.indexOf('@')),
      owner: this.owners.get(mark),
      worker: this.workerOf(node),
    };
  }

  left(node: Node): LeftCordoned | undefined {
    const cordon = this.of(node);
    if (!cordon || cordon.worker) return undefined;
    const { name = '' } = node.metadata;
    const { by, owner } = cordon;
    if (owner && isAboutToTell(owner, name)) return undefined;
    const { phase = '', message = '' } = own(owner?.status?.nodeStatuses, name) ?? {};
    return { node: name, by, why: owner === undefined ? 'the NodeOp is gone' : `${phase}: ${message}` };
  }

  /**
   * Why it is cordoned, or that it is not, in a sentence.
   * @param namespace the only one whose NodeOps were looked at, where that is so
   */
  text(node: Node, namespace?: string): string {
    const { name = '' } = node.metadata;
    if (node.spec?.unschedulable !== true) return 'It is not cordoned.';
    const cordon = this.of(node);
    if (!cordon) return 'It is cordoned, and no NodeOp did it: whoever cordoned it has to undo it.';
    const { by, owner, worker } = cordon;
    if (!owner && namespace !== undefined && !by.startsWith(`${namespace}/`))
      return `It was cordoned by ${by}; see what that says without --namespace ${namespace}.`;
    if (!owner) return `It was cordoned by ${by}, which is gone; nobody will uncordon it.`;
    const who = runPathOf(owner) ?? by;
    if (worker === owner || (!worker && isAboutToTell(owner, name)))
      return `It is cordoned by ${who}, which works on it and uncordons it when it is done.`;
    const { phase = 'Pending', message = '' } = own(owner.status?.nodeStatuses, name) ?? {};
    const why = `It was cordoned by ${who}, which is over here: ${phase}: ${oneLine(message, 300)}.`;
    return worker
      ? `${why} Meanwhile ${runPathOf(worker) ?? labelOf(worker)} works on it.`
      : `${why} It stays cordoned until somebody has looked at it.`;
  }
}

/** A node is cordoned a moment before its status tells that work on it has begun. */
function isAboutToTell({ status }: NodeOp, node: string): boolean {
  const { phase = 'Pending' } = own(status?.nodeStatuses, node) ?? {};
  return !isFinalPhase(status?.phase) && !isFinalNodePhase(phase);
}
