import type { Pod } from '../api/kubernetes.ts';
import { daemonSetOf } from '../core/rollout/drain.ts';
import type { DrainFacts, EvictionAnswer } from '../core/rollout/facts.ts';
import type { Clock } from '../core/ports.ts';
import { isForGood } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { DAEMONSETS, PODS } from './resources.ts';
import { StoppedError } from './stopped.ts';
import { WatchCache } from './watch.ts';

interface Session {
  pods: WatchCache<Pod>;
  /** UIDs of the pods that were there at the beginning. */
  first: ReadonlySet<string>;
  daemonSets: Map<string, boolean>;
  answers: Map<string, EvictionAnswer>;
  ready: boolean;
}

/**
 * The pods of the nodes that are being drained, and of no others: each is listed by `spec.nodeName` and
 * watched for as long as its drain lasts.
 */
export class DrainSessions {
  private readonly sessions = new Map<string, Session>();
  private readonly client: KubeClient;
  private readonly onChange: (node: string) => void;
  private readonly onError: (error: unknown) => void;
  private readonly clock: Clock;
  private readonly closing = new Set<Promise<void>>();
  private eviction: Promise<string | undefined> | undefined;

  constructor(
    client: KubeClient,
    onChange: (node: string) => void,
    onError: (error: unknown) => void,
    clock: Clock,
  ) {
    this.clock = clock;
    this.client = client;
    this.onChange = onChange;
    this.onError = onError;
  }

  /**
   * Resolves when the node's pods are known; rejects when the API server will not have them listed, and with StoppedError when it
   * is closed before.
   */
  async open(node: string): Promise<void> {
    if (this.sessions.has(node)) return;
    const refused = Promise.withResolvers<never>();
    refused.promise.catch(() => undefined);
    const pods = new WatchCache<Pod>({
      client: this.client,
      clock: this.clock,
      resource: PODS,
      fieldSelector: `spec.nodeName=${node}`,
      trim: trimForDrain,
      onChange: () => this.onChange(node),
      onError: (error) => {
        this.onError(error);
        // The watch itself would ask again and again, and whoever drains would not hear of it.
        if (!isForGood(error)) return;
        refused.reject(error);
        this.lost(node, session);
      },
    });
    const session: Session = {
      pods,
      first: new Set(),
      daemonSets: new Map(),
      answers: new Map(),
      ready: false,
    };
    this.sessions.set(node, session);
    try {
      await Promise.race([pods.start(), refused.promise]);
      session.first = new Set(uidsOf(pods));
      await this.askDaemonSets(session);
      if (this.sessions.get(node) !== session) throw new StoppedError();
      session.ready = true;
    } catch (error) {
      if (this.sessions.get(node) === session) this.close(node);
      throw error;
    }
    this.onChange(node);
  }

  close(node: string): void {
    const session = this.sessions.get(node);
    if (session === undefined) return;
    this.sessions.delete(node);
    const done = session.pods
      .stop()
      .catch(this.onError)
      .finally(() => this.closing.delete(done));
    this.closing.add(done);
  }

  /** The pods may not be watched any more: nobody knows how they stand, so they are asked for anew. */
  private lost(node: string, session: Session): void {
    if (!session.ready || this.sessions.get(node) !== session) return;
    this.close(node);
    this.onChange(node);
  }

  async stop(): Promise<void> {
    for (const node of this.sessions.keys()) this.close(node);
    await Promise.all(this.closing);
  }

  /** Lists the node's pods anew, from the API server itself and whatever the watch says; nothing happens when it is not drained. */
  async reread(node: string): Promise<void> {
    await this.sessions.get(node)?.pods.rereadAll();
  }

  nodes(): Iterable<string> {
    return this.sessions.keys();
  }

  facts(node: string): DrainFacts | undefined {
    const session = this.sessions.get(node);
    if (!session?.ready) return undefined;
    const { pods, first, daemonSets, answers } = session;
    const latecomers = new Set(uidsOf(pods).filter((uid) => !first.has(uid)));
    return { pods: [...pods.values()], latecomers, daemonSets, answers };
  }

  /** What the API server last said to the eviction of a pod. */
  answered(node: string, uid: string): EvictionAnswer | undefined {
    return this.sessions.get(node)?.answers.get(uid);
  }

  answer(node: string, uid: string, answer: EvictionAnswer): void {
    this.sessions.get(node)?.answers.set(uid, answer);
    this.onChange(node);
  }

  /** The version of the Eviction the server takes: `policy/v1` came with Kubernetes 1.22. */
  async evictionVersion(): Promise<string | undefined> {
    this.eviction ??= this.discoverEviction();
    try {
      return await this.eviction;
    } catch (error) {
      this.eviction = undefined;
      throw error;
    }
  }

  private async discoverEviction(): Promise<string | undefined> {
    const core = (await this.client.request('GET', '/api/v1')) as {
      resources: { name: string; group?: string; version?: string }[];
    };
    const found = core.resources.find(({ name }) => name === 'pods/eviction');
    return found && `${found.group ?? 'policy'}/${found.version ?? 'v1beta1'}`;
  }

  /** A DaemonSet's pods are only ever evicted when their DaemonSet is gone, so each is asked for once. */
  private async askDaemonSets(session: Session): Promise<void> {
    const names = new Set([...session.pods.values()].map(daemonSetOf).filter((name) => name !== undefined));
    await Promise.all(
      [...names].map(async (key) => {
        const [namespace = '', name = ''] = key.split('/');
        const found = await this.client.get(DAEMONSETS, name, namespace);
        session.daemonSets.set(key, found !== undefined);
      }),
    );
  }
}

function uidsOf(pods: WatchCache<Pod>): string[] {
  return [...pods.values()].map(({ metadata }) => metadata.uid ?? '');
}

/** Keeps what the drain's filters read. */
function trimForDrain(pod: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp } = pod.metadata;
  const mirror = pod.metadata.annotations?.['kubernetes.io/config.mirror'];
  const emptyDirs = pod.spec?.volumes?.filter(({ emptyDir }) => emptyDir !== undefined) ?? [];
  return {
    metadata: {
      ...defined({ name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp }),
      ...(mirror === undefined ? {} : { annotations: { 'kubernetes.io/config.mirror': mirror } }),
    },
    spec: { containers: [], volumes: emptyDirs, tolerations: pod.spec?.tolerations ?? [] },
    ...(pod.status?.phase === undefined ? {} : { status: { phase: pod.status.phase } }),
  };
}

function defined<T extends object>(object: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
