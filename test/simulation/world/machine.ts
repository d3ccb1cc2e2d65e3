import {
  LABEL_CHECK,
  LABEL_NODEOP_UID,
  LABEL_POSTFLIGHT,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
} from '../../../src/api/labels.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import type { Store } from '../../../src/sim/store/store.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

/** What becomes of one pod's container. Milliseconds. */
export interface Behaviour {
  startMs: number;
  runMs: number;
  exitCode: number;
  message?: string;
  /** Its image cannot be pulled. */
  neverStarts?: boolean;
  /** It ends only when it is stopped. */
  hangs?: boolean;
  /** The command itself reboots the machine while it runs. */
  reboots?: boolean;
  /** From its start on the node is not Ready for so long, though its kubelet goes on. */
  breaksMs?: number;
}

/** How one machine is made. Milliseconds. */
export interface Make {
  bootMs: number;
  /** Until the kubelet tells of what happened. */
  lagMs: number;
  /** What is asked of it by a reboot pod: nothing happens, once, or once more by itself a minute later. */
  reboots: 'never' | 'once' | 'twice';
  /** Pods take so long to end once they are deleted. */
  endMs: number;
}

export type Kind = 'command' | 'preflight' | 'postflight' | 'reboot' | 'check' | 'workload';

export interface Told {
  containerStarts: (node: string, kind: Kind, pod: Obj) => void;
  /** Without an exit code its end was seen by nobody: the power went. */
  containerEnds: (node: string, kind: Kind, pod: Obj, exitCode?: number) => void;
  rebooted: (node: string) => void;
  /** A reboot pod makes its machine reboot. */
  asked: (node: string, pod: Obj) => void;
}

interface Run {
  pod: Obj;
  kind: Kind;
  behaviour: Behaviour;
  state: 'pending' | 'running' | 'lost' | 'ended';
  /** Of one that ended by itself. */
  exitCode?: number;
  cancel: (() => void)[];
}

/** The node controller calls a node Unknown that was not heard of for so long (`--node-monitor-grace-period`). */
const UNHEARD_MS = 40_000;
/** From one time that it is not Ready to the next. */
const FLAP_MS = 12_000;

/** A machine with its kubelet. What it really runs is counted here, whatever the API server is told and when. */
export class Machine {
  readonly name: string;
  up = false;
  isScrapped = false;
  readonly #time: VirtualTime;
  readonly #store: Store;
  readonly #random: Random;
  readonly #make: Make;
  readonly #behave: (pod: Obj, kind: Kind, node: string) => Behaviour;
  readonly #told: Told;
  readonly #runs = new Map<string, Run>();
  #boots = 0;
  #bootID = '';
  /** Until then its kubelet neither does nor tells anything. */
  #asleepUntil = 0;

  constructor(
    name: string,
    make: Make,
    world: { time: VirtualTime; store: Store; random: Random; told: Told },
    behave: (pod: Obj, kind: Kind, node: string) => Behaviour,
  ) {
    this.name = name;
    this.#make = make;
    this.#time = world.time;
    this.#store = world.store;
    this.#random = world.random;
    this.#told = world.told;
    this.#behave = behave;
  }

  /** Nothing where it is on, or scrapped: then another machine has its name. */
  powerOn(): void {
    if (this.up || this.isScrapped) return;
    this.up = true;
    this.#boots += 1;
    this.#asleepUntil = 0;
    this.#bootID = this.#random.uuid();
    // What ran when the power went is found ended, with no word of how.
    for (const [uid, run] of this.#runs) {
      if (run.state === 'pending') this.#runs.delete(uid);
      if (run.state === 'lost') this.#report(run, 255);
      // Its end was not told yet when the power went.
      else if (run.exitCode !== undefined) this.#report(run, run.exitCode);
    }
    this.#nodeStatus('True', this.#bootID);
    for (const pod of this.#store.podsOn(this.name)) this.see(pod);
  }

  powerOff(): void {
    if (!this.up) return;
    this.up = false;
    const boot = this.#boots;
    for (const run of this.#runs.values()) {
      for (const cancel of run.cancel.splice(0)) cancel();
      if (run.state !== 'running') continue;
      run.state = 'lost';
      this.#told.containerEnds(this.name, run.kind, run.pod);
    }
    this.#time.after(UNHEARD_MS, () => {
      if (this.#boots === boot) this.#nodeStatus('Unknown', undefined);
    });
  }

  /** It never comes back, and another one may have its name. */
  scrap(): void {
    this.powerOff();
    this.isScrapped = true;
    this.#boots += 1;
  }

  /** The API server is one of the past: its kubelet ends what is not there, and tells how things are. */
  listsAnew(): void {
    const pods = new Map(this.#store.podsOn(this.name).map((pod) => [pod.metadata.uid, pod]));
    for (const [uid, run] of this.#runs) if (run.state !== 'lost' && !pods.has(uid)) this.#stop(run);
    this.#nodeStatus(this.up ? 'True' : 'Unknown', this.up ? this.#bootID : undefined);
    if (!this.up) return;
    for (const [uid = '', pod] of pods) {
      const run = this.#runs.get(uid);
      if (run?.state === 'running') this.#podStatus(run, 'Running', { running: {} });
      if (run?.state === 'ended') this.#report(run, run.exitCode ?? 137);
      this.see(pod);
    }
  }

  reboot(): void {
    if (!this.up) return;
    this.#told.rebooted(this.name);
    this.powerOff();
    this.#time.after(this.#make.bootMs, () => this.powerOn());
  }

  /** The kubelet hangs; what runs goes on. */
  kubeletSleeps(ms: number): void {
    const boot = this.#boots;
    const until = this.#time.now + ms;
    this.#asleepUntil = Math.max(this.#asleepUntil, until);
    const isSame = () => this.up && this.#boots === boot;
    this.#time.after(UNHEARD_MS, () => {
      if (isSame() && this.#time.now < this.#asleepUntil) this.#nodeStatus('Unknown', undefined);
    });
    this.#time.after(ms, () => {
      if (!isSame() || this.#time.now < this.#asleepUntil) return;
      this.#nodeStatus('True', undefined);
      for (const pod of this.#store.podsOn(this.name)) this.see(pod);
    });
  }

  /** When it next does or tells something. */
  get #lagMs(): number {
    return Math.max(this.#make.lagMs, this.#asleepUntil - this.#time.now);
  }

  /** Its network comes and goes. */
  flaps(ms: number): void {
    for (let at = 0; at < ms; at += FLAP_MS)
      this.#time.after(at, () => {
        if (this.up) this.#unready(FLAP_MS / 3);
      });
  }

  #unready(ms: number): void {
    const boot = this.#boots;
    this.#nodeStatus('False', undefined);
    this.#time.after(ms, () => {
      if (this.up && this.#boots === boot) this.#nodeStatus('True', undefined);
    });
  }

  /** The kubelet learns of a pod, or of what became of it. */
  see(pod: Obj): void {
    this.#time.after(this.#lagMs, () => this.#take(pod.metadata.uid ?? ''));
  }

  #take(uid: string): void {
    if (!this.up) return;
    const pod = this.#store.podsOn(this.name).find(({ metadata }) => metadata.uid === uid);
    const run = this.#runs.get(uid);
    if (pod === undefined) {
      if (run && run.state !== 'ended') this.#stop(run);
      return;
    }
    const over = pod.status?.['phase'] === 'Succeeded' || pod.status?.['phase'] === 'Failed';
    if (pod.metadata.deletionTimestamp !== undefined) return this.#terminate(pod, run);
    if (run !== undefined || over) return;
    this.#begin(pod);
  }

  #begin(pod: Obj): void {
    const kind = kindOf(pod);
    const behaviour = this.#behave(pod, kind, this.name);
    const run: Run = { pod, kind, behaviour, state: 'pending', cancel: [] };
    this.#runs.set(pod.metadata.uid ?? '', run);
    this.#deadline(run);
    if (behaviour.neverStarts === true) {
      const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
      this.#podStatus(run, 'Pending', { waiting });
      return;
    }
    this.#later(run, behaviour.startMs, () => this.#startAwake(run));
  }

  #deadline(run: Run): void {
    const bound = Number(run.pod.spec?.['activeDeadlineSeconds'] ?? 0);
    if (bound === 0) return;
    this.#later(run, bound * 1000, () => {
      if (run.state === 'ended') return;
      this.#stop(run);
      this.#podStatus(run, 'Failed', undefined, { reason: 'DeadlineExceeded' });
    });
  }

  /** Nothing is started while the kubelet sleeps. */
  #startAwake(run: Run): void {
    const wait = this.#asleepUntil - this.#time.now;
    if (wait > 0) return this.#later(run, wait, () => this.#startAwake(run));
    const { uid } = run.pod.metadata;
    const pod = this.#store.podsOn(this.name).find(({ metadata }) => metadata.uid === uid);
    // Nothing is started of a pod that is to go.
    if (pod?.metadata.deletionTimestamp !== undefined) return;
    this.#start(run);
  }

  #start(run: Run): void {
    if (run.state !== 'pending') return;
    run.state = 'running';
    this.#told.containerStarts(this.name, run.kind, run.pod);
    this.#podStatus(run, 'Running', { running: { startedAt: stamp(this.#time.now) } });
    if (run.kind === 'workload') return;
    const { behaviour } = run;
    if (behaviour.breaksMs !== undefined) this.#unready(behaviour.breaksMs);
    if (run.kind === 'reboot' && this.#isOfThisBoot(run.pod) && this.#make.reboots !== 'never') {
      this.#later(run, 300, () => {
        this.#told.asked(this.name, run.pod);
        this.reboot();
      });
      if (this.#make.reboots === 'twice') this.#time.after(60_000 + this.#make.bootMs, () => this.reboot());
      return;
    }
    if (behaviour.reboots === true) this.#later(run, behaviour.runMs, () => this.reboot());
    else if (behaviour.hangs !== true)
      this.#later(run, behaviour.runMs, () => this.#end(run, behaviour.exitCode));
  }

  /** What asks for a reboot does so in the boot that it was made in. */
  #isOfThisBoot(pod: Obj): boolean {
    const [container] = (pod.spec?.['containers'] ?? []) as { env?: { name: string; value?: string }[] }[];
    return container?.env?.find(({ name }) => name === 'BOOT_ID')?.value === this.#bootID;
  }

  #end(run: Run, exitCode: number): void {
    if (run.state !== 'running') return;
    this.#stop(run, exitCode);
    this.#report(run, exitCode);
  }

  #report(run: Run, exitCode: number): void {
    run.state = 'ended';
    run.exitCode = exitCode;
    const { message } = run.behaviour;
    const terminated = {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      finishedAt: stamp(this.#time.now),
      ...(message === undefined || exitCode === 255 ? {} : { message }),
    };
    this.#podStatus(run, exitCode === 0 ? 'Succeeded' : 'Failed', { terminated });
  }

  /** Its container runs no more, or never will. */
  #stop(run: Run, exitCode = 137): void {
    const ran = run.state === 'running';
    run.state = 'ended';
    for (const cancel of run.cancel.splice(0)) cancel();
    if (ran) this.#told.containerEnds(this.name, run.kind, run.pod, exitCode);
  }

  #terminate(pod: Obj, known: Run | undefined): void {
    const run = known ?? {
      pod,
      kind: kindOf(pod),
      behaviour: { startMs: 0, runMs: 0, exitCode: 0 },
      state: 'ended' as const,
      cancel: [],
    };
    this.#runs.set(pod.metadata.uid ?? '', run);
    const takes = run.state === 'running' ? this.#make.endMs : 0;
    if (run.state === 'pending') this.#stop(run);
    this.#time.after(takes, () => {
      if (!this.up) return;
      const wasRunning = run.state === 'running';
      this.#stop(run);
      // Of a container that never was, kubelets say this as well (`TerminatePod` of their status manager).
      const unknown = { exitCode: 137, reason: 'ContainerStatusUnknown' };
      const terminated = wasRunning ? { exitCode: 143, reason: 'Error' } : unknown;
      this.#podStatus(run, 'Failed', { terminated });
      this.#time.after(this.#lagMs, () => {
        const now = this.#store.podsOn(this.name).find(({ metadata }) => metadata.uid === pod.metadata.uid);
        if (now && this.up) this.#store.remove('pods', now);
      });
    });
  }

  #later(run: Run, ms: number, call: () => void): void {
    run.cancel.push(this.#time.after(ms, call));
  }

  #podStatus(run: Run, phase: string, state?: object, extra: object = {}): void {
    const uid = run.pod.metadata.uid ?? '';
    this.#time.after(this.#lagMs, () => {
      const pod = this.#store.podsOn(this.name).find(({ metadata }) => metadata.uid === uid);
      if (pod === undefined || (!this.up && phase !== 'Failed')) return;
      const finished = pod.status?.['phase'] === 'Succeeded' || pod.status?.['phase'] === 'Failed';
      if (finished) return;
      const name = containerName(pod);
      const ready = phase === 'Running' ? 'True' : 'False';
      const status = {
        ...pod.status,
        ...extra,
        phase,
        startTime: pod.status?.['startTime'] ?? stamp(this.#time.now),
        ...(phase === 'Failed' || phase === 'Succeeded' ? { endedAtMs: this.#time.now } : {}),
        conditions: [{ type: 'Ready', status: ready, lastTransitionTime: stamp(this.#time.now) }],
        ...(state === undefined
          ? {}
          : { containerStatuses: [{ name, image: 'i', ready: ready === 'True', restartCount: 0, state }] }),
      };
      this.#store.update('pods', { ...pod, status }, { subresource: 'status' });
    });
  }

  #nodeStatus(ready: 'True' | 'False' | 'Unknown', bootID: string | undefined): void {
    const node = this.#store.get('nodes', this.name);
    if (node === undefined) return;
    const time = stamp(this.#time.now);
    const condition = { type: 'Ready', status: ready, lastTransitionTime: time, lastHeartbeatTime: time };
    const known = node.status?.['nodeInfo'] ?? {};
    const nodeInfo = { ...known, ...(bootID === undefined ? {} : { bootID }) };
    const status = { ...node.status, conditions: [condition], nodeInfo };
    this.#store.update('nodes', { ...node, status }, { subresource: 'status' });
  }
}

export function kindOf(pod: Obj): Kind {
  const { labels = {} } = pod.metadata;
  if (labels[LABEL_NODEOP_UID] === undefined) return 'workload';
  if (labels[LABEL_CHECK] !== undefined) return 'check';
  if (labels[LABEL_PREFLIGHT] !== undefined) return 'preflight';
  if (labels[LABEL_POSTFLIGHT] !== undefined) return 'postflight';
  return labels[LABEL_REBOOT] === undefined ? 'command' : 'reboot';
}

function containerName(pod: Obj): string {
  const [first] = (pod.spec?.['containers'] ?? []) as { name: string }[];
  return first?.name ?? 'main';
}

function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');
}
