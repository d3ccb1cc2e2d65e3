import type { Pod } from '../../api/kubernetes.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { isOthers } from '../../core/external/status.ts';
import { isPodOf, logSources, type LogSource, nodeOf } from '../../core/logs/sources.ts';
import { ApiError, isApiError } from '../../kube/api-error.ts';
import { readPodLog } from '../../kube/pod-log.ts';
import { NODEOPS, PODS } from '../../kube/resources.ts';
import { WatchCache } from '../../kube/watch.ts';
import { backoffMs, pause } from '../../time/backoff.ts';
import { systemClock } from '../../time/clock.ts';
import { InvalidError, TransientError } from '../../api/errors.ts';
import { explained, type ReadOnlyCluster } from '../cluster.ts';
import { readNodeOps } from '../look-up.ts';
import { printError } from '../terminal.ts';
import { type LogPrinter, originOf } from './entry.ts';
import { type Printing, problemOf, selectorOf } from './pods.ts';
import { placeOf, type Told } from './told.ts';

/** Between two looks at how the run stands; a status of thousands of nodes is a megabyte. */
const LOOK_MS = 2_000;
/** How long containers are listened to when the run is over: one may have nobody left to end it. */
const AFTERWARDS_MS = 10_000;
/** So often the log of a container that has ended is asked for, on a node that does not answer. */
const ATTEMPTS = 2;

/**
 * Prints what the pods of a run say as they say it, until it is over. Of one node everything comes in its order, so each
 * waits for what was before it; what has ended already is read first, one container after the other.
 */
export class Follower {
  readonly #cluster: ReadOnlyCluster;
  readonly #printer: LogPrinter;
  readonly #told: Told;
  readonly #signal: AbortSignal;
  readonly #node: string | undefined;
  readonly #pods: WatchCache<Pod>;
  readonly #byPlace = new Map<string, Map<string, Pod>>();
  readonly #begun = new Set<string>();
  readonly #chains = new Map<string, Promise<void>>();
  readonly #over = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  #past: Promise<void> = Promise.resolve();
  #nodeOp: NodeOp;

  constructor(cluster: ReadOnlyCluster, nodeOp: NodeOp, { printer, told, node, signal }: Printing) {
    this.#cluster = cluster;
    this.#nodeOp = nodeOp;
    this.#printer = printer;
    this.#told = told;
    this.#node = node;
    this.#signal = signal;
    this.#failed.promise.catch(() => undefined);
    this.#pods = new WatchCache<Pod>({
      client: cluster.client,
      resource: PODS,
      namespace: nodeOp.metadata.namespace,
      labelSelector: selectorOf(nodeOp),
      onChange: (pod, gone) => this.#take(pod, gone),
      onError: (error) => this.#trouble('watch pods', error),
    });
  }

  /** Resolves with the NodeOp as it ended, and the pods that were left. Rejects with what a person must do something about. */
  async follow(): Promise<{ nodeOp: NodeOp; pods: Pod[] }> {
    const signal = this.#signal;
    const stop = () => this.#over.abort();
    signal.addEventListener('abort', stop);
    try {
      await Promise.race([this.#pods.start(), this.#failed.promise]);
      this.#begin([...this.#pods.values()]);
      await Promise.race([this.#untilOver(), this.#failed.promise]);
      return { nodeOp: this.#nodeOp, pods: [...this.#pods.values()] };
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
      await this.#pods.stop();
    }
  }

  #take(pod: Pod, gone: boolean): void {
    if (!isPodOf(this.#nodeOp, pod)) return;
    const place = nodeOf(pod) ?? '';
    if (this.#node !== undefined && place !== this.#node) return;
    const known = this.#byPlace.get(place) ?? new Map<string, Pod>();
    this.#byPlace.set(place, known);
    if (gone) known.delete(pod.metadata.uid ?? '');
    else known.set(pod.metadata.uid ?? '', pod);
    // What was there at first is begun in its order.
    if (this.#pods.synced && !gone) this.#begin([...known.values()]);
  }

  #begin(pods: readonly Pod[]): void {
    for (const source of logSources(this.#nodeOp, pods)) {
      const place = source.node ?? '';
      if (this.#begun.has(source.key) || (this.#node !== undefined && place !== this.#node)) continue;
      this.#begun.add(source.key);
      const before = this.#chains.get(place) ?? Promise.resolve();
      const next = before.then(() => (source.isOver ? this.#inTurn(source) : this.#stream(source)));
      this.#chains.set(
        place,
        next.catch((error: unknown) => this.#failed.reject(error as Error)),
      );
    }
  }

  #inTurn(source: LogSource): Promise<void> {
    this.#past = this.#past.then(() => this.#stream(source));
    return this.#past;
  }

  /** A stream that breaks off is taken up where it ended, until nothing more can come. */
  async #stream(source: LogSource): Promise<void> {
    const { signal } = this.#over;
    const place = placeOf(source);
    let after: string | undefined;
    let told = false;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const { isOver, isPrevious, isGone } = this.#stateOf(source);
      try {
        const options = { ...source, isPrevious, follow: !isOver, after, signal };
        // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
        for await (const line of readPodLog(this.#cluster.client, options)) {
          // oxlint-disable-next-line no-await-in-loop
          await this.#printer.print(originOf(source), line);
          this.#told.heard(place);
          after = line.time ?? after;
          attempt = 0;
        }
        this.#told.read(place);
        if (isOver) return;
      } catch (error) {
        if (signal.aborted) return;
        const problem = problemOf(error);
        // What has ended says nothing new, and others wait for their turn.
        const isLost = isGone || isApiError(error, 404) || (isOver && attempt === ATTEMPTS);
        if (isLost) return this.#told.lacks(place, problem);
        if (!told && attempt > 0) printError(`${place}: cannot read its log: ${problem}; trying again`);
        told ||= attempt > 0;
      }
      // oxlint-disable-next-line no-await-in-loop
      await pause(systemClock, backoffMs(systemClock, attempt, 200, 10_000), signal);
    }
  }

  /** Where a container is by now that was there when its log was begun. */
  #stateOf(source: LogSource): { isOver: boolean; isPrevious: boolean; isGone: boolean } {
    const pod = this.#byPlace.get(source.node ?? '')?.get(source.uid);
    if (!pod) return { isOver: true, isPrevious: source.isPrevious, isGone: true };
    const now = logSources(this.#nodeOp, [pod]).find(({ key }) => key === source.key);
    // It was started more than once since: that start is to be had no more.
    if (!now) return { isOver: true, isPrevious: true, isGone: true };
    return { isOver: now.isOver, isPrevious: now.isPrevious, isGone: false };
  }

  async #untilOver(): Promise<void> {
    const signal = this.#signal;
    while (!signal.aborted && !isFinalPhase(this.#nodeOp.status?.phase)) {
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      await pause(systemClock, LOOK_MS, signal);
      // oxlint-disable-next-line no-await-in-loop
      if (signal.aborted || !(await this.#look())) break;
    }
    const listened = systemClock.after(AFTERWARDS_MS, () => this.#over.abort());
    // A chain may grow by what the watch tells meanwhile.
    for (let seen = -1; seen !== this.#begun.size && !this.#over.signal.aborted;) {
      seen = this.#begun.size;
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(this.#chains.values());
    }
    listened();
  }

  /** Whether the NodeOp is still there. */
  async #look(): Promise<boolean> {
    const { name = '', namespace, uid } = this.#nodeOp.metadata;
    try {
      const found = isOthers(this.#nodeOp)
        ? (await readNodeOps(this.#cluster, namespace)).find((it) => it.metadata.uid === uid)
        : await this.#cluster.client.get<NodeOp>(NODEOPS, name, namespace);
      if (!found || found.metadata.uid !== uid) {
        printError('the NodeOp was deleted');
        return false;
      }
      this.#nodeOp = found;
    } catch (error) {
      this.#trouble('look at the NodeOp', error);
    }
    return true;
  }

  /** What no retry can mend ends it; the rest is said, and tried again. */
  #trouble(what: string, error: unknown): void {
    if (this.#signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    const known =
      error instanceof ApiError ? explained(what, error) : new TransientError(`cannot ${what}: ${reason}`);
    if (known instanceof InvalidError || !this.#pods.synced) this.#failed.reject(known);
    else printError(`${known.message}; trying again`);
  }
}
