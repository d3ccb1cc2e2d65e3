import type { Lease, Node } from '../../api/kubernetes.ts';
import { ANNOTATION_HOLD, LABEL_RECORD_PART } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { PageFacts } from '../../core/page/facts.ts';
import { isOthers } from '../../core/external/status.ts';
import type { Clock } from '../../core/ports.ts';
import { parseHead, together } from '../../core/runs/ledger.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ExternalWatch } from '../../kube/external-watch.ts';
import type { ConfigMap } from '../../kube/config-maps.ts';
import { CONFIGMAPS, LEASES, NODEOPS, NODES } from '../../kube/resources.ts';
import { trimNode, trimNodeOp } from '../../kube/trim.ts';
import { WatchCache } from '../../kube/watch.ts';

export interface ClusterWatchOptions {
  client: KubeClient;
  clock: Clock;
  /** Of the agent's Lease and of its record. */
  namespace: string;
  lease: string;
  onChange: () => void;
  onError: (error: unknown) => void;
}

/** The Lease and the record are asked for; a watch of each would take a right more. */
const ASK_MS = 5_000;

type Record = PageFacts['record'];

/** What the page shows of the cluster, by watches of its own: whoever serves it need not lead. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #nodeOps: WatchCache<NodeOp>;
  readonly #nodes: WatchCache<Node>;
  readonly #stopped = new AbortController();
  #others: ExternalWatch | undefined;
  #cancelAsk: (() => void) | undefined;
  #asking: Promise<void> = Promise.resolve();
  #lease: PageFacts['lease'] = {};
  #record: Record;
  #away: string | undefined;
  readonly synced: Promise<void>;
  #isSynced = false;

  constructor(options: ClusterWatchOptions) {
    const { client, clock, onError } = options;
    this.#options = options;
    const onChange = () => this.#changed();
    this.#nodeOps = new WatchCache<NodeOp>({
      client,
      clock,
      onError,
      resource: NODEOPS,
      trim: trimNodeOp,
      onChange: (nodeOp) => {
        if (isOthers(nodeOp)) this.#watchOthers();
        onChange();
      },
    });
    this.#nodes = new WatchCache<Node>({ client, clock, onError, resource: NODES, trim: trimNode, onChange });
    this.#asking = this.#ask();
    this.synced = Promise.all([this.#nodeOps.start(), this.#nodes.start(), this.#asking]).then(
      () => {
        this.#isSynced = true;
        this.#options.onChange();
      },
      // It was stopped before.
      () => undefined,
    );
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Why what is known may be old. */
  get stale(): string | undefined {
    return this.#away ?? (this.#isSynced ? undefined : 'the state of the cluster is not known yet');
  }

  get facts(): Pick<PageFacts, 'nodeOps' | 'nodes' | 'record' | 'lease'> {
    const nodeOps = [...this.#nodeOps.values()];
    const others = this.#others;
    return {
      nodeOps: others ? nodeOps.map((it) => (isOthers(it) ? others.read(it) : it)) : nodeOps,
      nodes: new Map([...this.#nodes.values()].map((it) => [it.metadata.name ?? '', it])),
      record: this.#record,
      lease: this.#lease,
    };
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancelAsk?.();
    await Promise.all([this.#nodeOps.stop(), this.#nodes.stop(), this.#others?.stop(), this.#asking]);
  }

  #changed(): void {
    if (this.#isSynced) this.#options.onChange();
  }

  /** Of NodeOps of another controller more has to be known. */
  #watchOthers(): void {
    if (this.#others || this.#stopped.signal.aborted) return;
    const { client, clock, onError } = this.#options;
    this.#others = new ExternalWatch({ client, clock, onError, onChange: () => this.#changed() });
    this.#others.start().then(
      () => this.#changed(),
      () => undefined,
    );
  }

  async #ask(): Promise<void> {
    const { clock, onError } = this.#options;
    const before = JSON.stringify([this.#lease, this.#record, this.#away]);
    try {
      [this.#lease, this.#record] = await Promise.all([this.#askLease(), this.#askRecord()]);
      this.#away = undefined;
    } catch (error) {
      if (!this.#stopped.signal.aborted) onError(error);
      this.#away = error instanceof Error ? error.message : String(error);
    }
    if (this.#stopped.signal.aborted) return;
    if (JSON.stringify([this.#lease, this.#record, this.#away]) !== before) this.#options.onChange();
    this.#cancelAsk = clock.after(ASK_MS, () => {
      this.#asking = this.#ask();
    });
  }

  async #askLease(): Promise<PageFacts['lease']> {
    const { client, lease, namespace } = this.#options;
    const found = await allowed(client.get<Lease>(LEASES, lease, namespace, this.#stopped.signal));
    const holder = found?.spec?.holderIdentity ?? '';
    return {
      ...(holder !== '' && { holder }),
      ...(found && { hold: found.metadata.annotations?.[ANNOTATION_HOLD] }),
    };
  }

  async #askRecord(): Promise<Record> {
    const { client, namespace } = this.#options;
    const labelSelector = `${LABEL_RECORD_PART}=head`;
    const found = await allowed(
      client.list<ConfigMap>(CONFIGMAPS, { labelSelector }, namespace, this.#stopped.signal),
    );
    if (!found) return undefined;
    return together(found.items.map(({ data }) => parseHead(data)));
  }
}

/** Undefined where it may not be read, or is not there. */
async function allowed<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && (error.code === 403 || error.code === 404)) return undefined;
    throw error;
  }
}
