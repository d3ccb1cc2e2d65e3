import type { AgentFacts } from '../../core/page/facts.ts';
import type { Clock } from '../../core/ports.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ClusterWatch, type ClusterWatchOptions } from './cluster-watch.ts';
import type { Reports } from './reports.ts';

interface LookingOptions {
  client: KubeClient;
  clock: Clock;
  cluster: Pick<ClusterWatchOptions, 'namespace' | 'lease'>;
  agent: () => AgentFacts;
  /** Undefined where there is no repository to read. */
  reports: Reports | undefined;
  onError: (error: unknown) => void;
}

/** After the last one looked: whoever reloads the page finds everything there. */
const LINGER_MS = 60_000;
/** How often the branches are looked at while somebody looks. */
const LOOK_MS = 2_000;
/** How long the first view waits for the state of the cluster before it is shown without. */
const PATIENCE_MS = 5_000;

/** Reads the cluster and the branches while somebody looks at the page. */
export class Looking {
  readonly #options: LookingOptions;
  readonly #listeners = new Set<() => void>();
  #cluster: ClusterWatch | undefined;
  #looking = new AbortController();
  #read: Promise<void> = Promise.resolve();
  #cancelLook: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;
  #trouble: string | undefined;
  #toldAgent = '';
  #ending: Promise<unknown> = Promise.resolve();

  constructor(options: LookingOptions) {
    this.#options = options;
  }

  /** Told of whatever may change a view, until it is called. */
  watch(onChange: () => void): () => void {
    // Two may listen with one and the same function.
    const listener = () => onChange();
    this.#listeners.add(listener);
    this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#lingerOn();
    };
  }

  /** The state of the cluster; undefined while nobody looks. */
  get cluster(): ClusterWatch | undefined {
    return this.#cluster;
  }

  /** Why the branches cannot be read. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #begin(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    if (this.#cluster) return;
    const { client, clock, cluster, onError } = this.#options;
    this.#looking = new AbortController();
    this.#cluster = new ClusterWatch({ client, clock, ...cluster, onChange: () => this.changed(), onError });
    this.#look();
  }

  #lingerOn(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = this.#options.clock.after(LINGER_MS, () => this.#end());
  }

  #end(): void {
    this.#looking.abort();
    this.#cancelLook?.();
    const cluster = this.#cluster;
    this.#cluster = undefined;
    this.#ending = Promise.all([this.#ending, cluster?.stop()]);
  }

  /** Looks at the branches, and at what the agent says of itself, from now on. */
  #look(): void {
    const { signal } = this.#looking;
    const { clock, onError, agent } = this.#options;
    this.#read = (this.#options.reports?.look(signal) ?? Promise.resolve())
      .then(
        () => (this.#trouble = undefined),
        (error: unknown) => {
          // Whoever follows the branch mends the clone.
          if (!signal.aborted) onError(error);
          this.#trouble = 'the repository cannot be read now';
        },
      )
      .then(() => {
        if (signal.aborted) return;
        const said = JSON.stringify([agent(), this.#trouble]);
        if (said !== this.#toldAgent) this.changed();
        this.#toldAgent = said;
        this.#cancelLook = clock.after(LOOK_MS, () => this.#look());
      });
  }

  /** Whoever asks once has everything begin, and end a while later. */
  async ready(): Promise<void> {
    if (!this.#cluster) {
      this.#begin();
      if (this.#listeners.size === 0) this.#lingerOn();
    }
    if (this.#cluster?.isSynced === true) return;
    await this.#within(this.#cluster?.synced);
  }

  /** What is being read of the branches is waited for, though not for long. */
  async branchesRead(): Promise<void> {
    await this.#within(this.#read);
  }

  async #within(work: Promise<unknown> | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(PATIENCE_MS, resolve);
    await Promise.race([work, promise]);
    cancel();
  }

  /** Resolves when nothing is read any more. */
  async close(): Promise<void> {
    this.#listeners.clear();
    this.#cancelLinger?.();
    this.#end();
    await this.#ending;
    await this.#read;
  }
}
