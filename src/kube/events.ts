import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../api/kubernetes.ts';
import { NODEOP_API_VERSION, NODEOP_KIND } from '../api/nodeop.ts';
import type { Clock } from '../core/ports.ts';
import { flat } from '../core/text/output.ts';
import type { News } from '../core/rollout/events.ts';
import type { KubeClient } from './client.ts';
import type { ExecutionTarget } from './executor.ts';
import { EVENTS } from './resources.ts';

/** Events of one NodeOp with the same reason are gathered this long into one. */
const GATHER_MS = 2_000;
/** Events about nodes: that many at once, then one a second; the status has all of it anyway. */
const NODE_BURST = 30;
const NODE_REFILL_MS = 1_000;

interface Gathered {
  op: ExecutionTarget;
  first: News;
  nodes: string[];
  count: number;
  firstAt: string;
}

type Target = Pick<ExecutionTarget, 'namespace' | 'name' | 'uid'>;

/**
 * Tells the news as Kubernetes Events: on the node it is about, and gathered on the NodeOp. They are
 * for people and may be lost; nothing is decided by them.
 */
export class EventRecorder {
  private readonly client: KubeClient;
  private readonly onError: (error: unknown) => void;
  private readonly gathered = new Map<string, Gathered>();
  private readonly under = new Set<Promise<void>>();
  private readonly clock: Clock;
  private cancel: (() => void) | undefined;
  private tokens = NODE_BURST;
  private refilled: number;

  constructor(client: KubeClient, onError: (error: unknown) => void, clock: Clock) {
    this.clock = clock;
    this.refilled = clock.steady();
    this.client = client;
    this.onError = onError;
  }

  record(op: ExecutionTarget, news: News): void {
    const key = `${op.uid}/${news.reason}`;
    const known = this.gathered.get(key);
    const nodes = news.node === undefined ? [] : [news.node];
    if (known) {
      known.count += 1;
      known.nodes.push(...nodes);
    } else this.gathered.set(key, { op, first: news, nodes, count: 1, firstAt: this.stamp() });
    this.cancel ??= this.clock.after(GATHER_MS, () => this.flush());
    if (news.node !== undefined && this.takeToken()) {
      const message = `NodeOp ${op.namespace}/${op.name}: ${news.message}`;
      // The kubelet and kubectl name a node by its name as UID, in the default namespace.
      const involved = { kind: 'Node', apiVersion: 'v1', name: news.node, uid: news.node };
      this.create('default', involved, { ...news, message }, 1, this.stamp());
    }
  }

  /** News of something that belongs to no namespace, told in the default one. */
  about(involved: { kind: string; apiVersion: string; name: string }, news: News): void {
    this.create('default', involved, news, 1, this.stamp());
  }

  /** Writes what is gathered and waits for it. */
  async stop(): Promise<void> {
    this.cancel?.();
    this.flush();
    await Promise.allSettled(this.under);
  }

  private flush(): void {
    this.cancel = undefined;
    for (const { op, first, nodes, count, firstAt } of this.gathered.values()) {
      const shown = nodes.slice(0, 10).join(', ');
      const more = nodes.length > 10 ? ` and ${nodes.length - 10} more` : '';
      const prefix = nodes.length === 0 ? '' : `${shown}${more}: `;
      this.create(
        op.namespace,
        involvedNodeOp(op),
        { ...first, message: `${prefix}${first.message}` },
        count,
        firstAt,
      );
    }
    this.gathered.clear();
  }

  private stamp(): string {
    return new Date(this.clock.wall()).toISOString();
  }

  private takeToken(): boolean {
    const earned = Math.floor((this.clock.steady() - this.refilled) / NODE_REFILL_MS);
    this.tokens = Math.min(NODE_BURST, this.tokens + earned);
    this.refilled += earned * NODE_REFILL_MS;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  private create(
    namespace: string,
    involved: { name: string },
    news: News,
    count: number,
    firstAt: string,
  ): void {
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${involved.name}.${randomBytes(8).toString('hex')}`, namespace },
      involvedObject: involved,
      type: news.type,
      reason: news.reason,
      message: flat(news.message).slice(0, 1024).toWellFormed(),
      count,
      firstTimestamp: firstAt,
      lastTimestamp: this.stamp(),
      source: { component: 'nodeop-agent' },
    } satisfies KubeObject & Record<string, unknown>;
    const done = this.client
      .create<KubeObject>(EVENTS, event, namespace)
      .then(() => undefined, this.onError)
      .finally(() => this.under.delete(done));
    this.under.add(done);
  }
}

function involvedNodeOp({ namespace, name, uid }: Target) {
  return { kind: NODEOP_KIND, apiVersion: NODEOP_API_VERSION, namespace, name, uid };
}
