import type { Clock } from '../../core/ports.ts';
import { at, type Obj, textOf } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { type ContainerSpec, containersOf, hindranceOf, messageOf } from './container.ts';
import { ContainerLog, type ContainerLogs } from './log.ts';
import type { ContainerResult, RunningContainer } from './runtime.ts';

/** What a pod needs of the node it runs on. */
export interface PodHost {
  store: Store;
  pullable: (image: string) => boolean;
  /** The container as a process, or by the script of a test; undefined: it is just there, which costs nothing. */
  launch: (pod: Obj, container: ContainerSpec, restarts: number) => RunningContainer | undefined;
  /** The pod has ended; nothing of it is left on the node. */
  over: (uid: string) => void;
}

/** How a container was lost with its node. */
export interface Loss {
  exitCode: number;
  reason: string;
}

interface ContainerRun {
  spec: ContainerSpec;
  running: RunningContainer | undefined;
  restarts: number;
  /** Attempts to start it that failed in a row. */
  tries: number;
  cancelRetry: () => void;
  /** As in `status.containerStatuses`. */
  state: { waiting?: object; running?: object; terminated?: { exitCode: number } };
  lastState: object | undefined;
  /** Since it was started, and of the time before. */
  log: ContainerLog | undefined;
  previous: ContainerLog | undefined;
}

/** One pod on its node, from the start of its containers to their end. Statuses are written as a kubelet writes them. */
export class PodRun {
  private readonly pod: Obj;
  private readonly host: PodHost;
  private readonly containers: ContainerRun[];
  private cancelDeadline = (): void => {};
  private cancelKill = (): void => {};
  private stopping = false;
  /** Why the pod as a whole has failed, whatever its containers say. */
  private verdict: { reason: string; message: string } | undefined;
  private loss: Loss | undefined;
  private finished = false;
  private closed = false;

  constructor(pod: Obj, host: PodHost) {
    this.pod = pod;
    this.host = host;
    this.containers = containersOf(pod).map((spec) => ({
      spec,
      running: undefined,
      restarts: 0,
      tries: 0,
      cancelRetry: () => {},
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: undefined,
      log: undefined,
      previous: undefined,
    }));
  }

  private get clock(): Clock {
    return this.host.store.clock;
  }

  private stamp(): string {
    return this.host.store.now();
  }

  start(): void {
    this.watchDeadline();
    for (const one of this.containers) this.prepare(one);
    this.write();
    for (const one of this.containers) this.launch(one);
  }

  /** It was begun by an earlier node agent, of which nothing is left but what is stored. */
  find(loss: Loss): void {
    const statuses = (at(this.known(), 'status.containerStatuses') ?? []) as (Pick<
      ContainerRun,
      'state' | 'lastState'
    > & { name: string; restartCount: number })[];
    for (const one of this.containers) {
      const known = statuses.find(({ name }) => name === (textOf(one.spec['name']) || 'main'));
      if (known === undefined) continue;
      one.state = known.state;
      one.lastState = known.lastState;
      one.restarts = known.restartCount;
    }
    this.lose(loss);
    this.recover();
  }

  /** Ends the pod: its containers are asked, and killed when the grace period is over. */
  stop(graceSeconds: number): void {
    this.stopping = true;
    if (this.loss === undefined) this.terminate(graceSeconds);
  }

  /** The node lost its power: nothing is said of it until it is back. */
  lose(loss: Loss): void {
    this.loss = loss;
    this.clearTimers();
    for (const { running } of this.containers) running?.kill('SIGKILL');
  }

  /** The node is back: what ran on it did not survive. */
  recover(): void {
    const { loss } = this;
    if (loss === undefined) return;
    this.loss = undefined;
    this.stopping ||= this.known()?.metadata.deletionTimestamp !== undefined;
    this.watchDeadline();
    for (const one of this.containers) one.running = undefined;
    for (const one of this.containers) {
      if (one.state.running !== undefined) this.ended(one, { ...loss, log: '', terminationMessage: '' });
      else if (one.state.waiting !== undefined && !this.stopping) this.tryAgain(one, 0);
    }
    if (this.stopping) this.settle();
  }

  /** Kills everything in silence; resolves when it has ended. */
  async close(): Promise<void> {
    this.closed = true;
    this.clearTimers();
    const running = this.containers.flatMap((one) => one.running ?? []);
    for (const one of running) one.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
  }

  /** By container. */
  logs(): Map<string, ContainerLogs> {
    return new Map(
      this.containers.map((one) => {
        const { log: current, previous } = one;
        const isOver = () => this.finished || one.log !== current || one.state.running === undefined;
        return [textOf(one.spec['name']), { current, previous, isOver }];
      }),
    );
  }

  private prepare(one: ContainerRun): void {
    const { store, pullable } = this.host;
    const hindrance = hindranceOf(this.pod, one.spec, { store, pullable, first: one.tries === 0 });
    if (hindrance === undefined) {
      one.tries = 0;
      one.state = { running: { startedAt: this.stamp() } };
      return;
    }
    one.state = { waiting: hindrance };
    this.tryAgain(one, Math.min(200 * 2 ** one.tries, 5_000));
    one.tries += 1;
  }

  private tryAgain(one: ContainerRun, inMs: number): void {
    one.cancelRetry = this.clock.after(inMs, () => {
      this.prepare(one);
      this.write();
      this.launch(one);
    });
  }

  private launch(one: ContainerRun): void {
    if (one.state.running === undefined || this.stopping) return;
    const running = this.host.launch(this.pod, one.spec, one.restarts);
    one.running = running;
    one.previous = one.log;
    one.log = running?.log ?? new ContainerLog(this.clock);
    void running?.ended.then((result) => {
      if (this.closed || this.loss !== undefined || one.running !== running) return;
      one.running = undefined;
      this.ended(one, { reason: result.exitCode === 0 ? 'Completed' : 'Error', ...result });
    });
  }

  private ended(one: ContainerRun, result: ContainerResult & { reason: string }): void {
    const { exitCode, reason } = result;
    const terminated = { exitCode, reason, finishedAt: this.stamp(), ...messageOf(one.spec, result) };
    one.state = { terminated };
    const policy = this.pod.spec?.['restartPolicy'] ?? 'Always';
    const again = policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
    if (again && !this.isEnding()) {
      const waiting = { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' };
      one.state = { waiting };
      one.lastState = { terminated };
      this.tryAgain(one, 200 * 2 ** Math.min(one.restarts, 6));
      one.restarts += 1;
    }
    this.settle();
  }

  private settle(): void {
    const over = this.containers.every(({ state, running }) =>
      this.isEnding() ? running === undefined : state.terminated !== undefined,
    );
    if (over) this.finish();
    else this.write();
  }

  private isEnding(): boolean {
    return this.stopping || this.verdict !== undefined;
  }

  private finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.clearTimers();
    this.host.over(this.pod.metadata.uid ?? '');
    const good = this.containers.every(({ state }) => state.terminated?.exitCode === 0);
    const known = this.known();
    const gone = known?.metadata.deletionTimestamp !== undefined;
    // Of a pod that goes at once nobody asks how it ended, unless somebody holds it.
    const begun = this.containers.some(({ state }) => state.terminated !== undefined);
    if (!gone || begun || known.metadata.finalizers?.length) {
      this.write({ phase: good && this.verdict === undefined ? 'Succeeded' : 'Failed', ...this.verdict });
    }
    if (gone) this.host.store.remove('pods', known);
  }

  private terminate(graceSeconds: number): void {
    this.clearTimers();
    this.cancelKill = this.clock.after(graceSeconds * 1000, () => {
      for (const { running } of this.containers) running?.kill('SIGKILL');
    });
    for (const { running } of this.containers) running?.kill(graceSeconds === 0 ? 'SIGKILL' : 'SIGTERM');
    if (this.containers.every(({ running }) => running === undefined)) this.finish();
  }

  private watchDeadline(): void {
    const bound = Number(this.pod.spec?.['activeDeadlineSeconds'] ?? 0);
    if (bound === 0 || this.isEnding()) return;
    const since = Date.parse(textOf(this.known()?.status?.['startTime'])) || this.clock.wall();
    const left = since + bound * 1000 - this.clock.wall();
    this.cancelDeadline = this.clock.after(Math.max(0, left), () => this.expire());
  }

  private expire(): void {
    this.verdict = {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
    this.terminate(Number(this.pod.spec?.['terminationGracePeriodSeconds'] ?? 30));
  }

  private clearTimers(): void {
    this.cancelDeadline();
    this.cancelKill();
    for (const { cancelRetry } of this.containers) cancelRetry();
  }

  /** The pod as it is stored now, unless another has its name. */
  private known(): Obj | undefined {
    const { name = '', namespace, uid } = this.pod.metadata;
    const known = this.host.store.get('pods', name, namespace);
    return known?.metadata.uid === uid ? known : undefined;
  }

  private write(end: { phase?: string; reason?: string; message?: string } = {}): void {
    const known = this.known();
    if (known === undefined) return;
    const phase = end.phase ?? this.phase();
    // Nobody in here opens a readiness gate, so a pod that has one is never ready.
    const gated =
      Array.isArray(this.pod.spec?.['readinessGates']) && this.pod.spec['readinessGates'].length > 0;
    const runs = this.containers.every(({ state }) => state.running !== undefined);
    const ready = phase === 'Running' && runs && !gated ? 'True' : 'False';
    const status = {
      ...known.status,
      ...end,
      phase,
      startTime: known.status?.['startTime'] ?? this.stamp(),
      // For the Job controller's back-off, which needs more than whole seconds.
      ...(end.phase === undefined ? {} : { endedAtMs: this.clock.wall() }),
      conditions: withReady(at(known, 'status.conditions'), ready, this.stamp()),
      containerStatuses: this.statuses(),
    };
    this.host.store.update('pods', { ...known, status }, { subresource: 'status' });
  }

  private phase(): string {
    const begun = this.containers.every(({ state, lastState }) => state.waiting === undefined || lastState);
    return begun ? 'Running' : 'Pending';
  }

  /** Sorted by name, as kubelets sort them. */
  private statuses(): object[] {
    return this.containers
      .map(({ spec, state, lastState, restarts }) => ({
        name: textOf(spec['name']) || 'main',
        image: textOf(spec['image']),
        imageID: '',
        ready: state.running !== undefined,
        restartCount: restarts,
        state,
        ...(lastState && { lastState }),
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}

function withReady(conditions: unknown, status: 'True' | 'False', now: string): unknown[] {
  const others = Array.isArray(conditions) ? conditions.filter((one) => at(one, 'type') !== 'Ready') : [];
  return [{ type: 'Ready', status, lastTransitionTime: now }, ...others];
}
