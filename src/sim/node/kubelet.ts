import { randomUUID } from 'node:crypto';
import { type FSWatcher, mkdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFinished } from '../controllers/workloads.ts';
import { at, isRecord, type Obj, textOf } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { type ContainerSpec, commandOf, containersOf, environment, scripted } from './container.ts';
import { ContainerLog, type ContainerLogs } from './log.ts';
import { type Loss, PodRun } from './pod-run.ts';
import { prepareControl, runContainer, type RunningContainer } from './runtime.ts';

/** What a scripted container does instead of running its command. */
export interface Outcome {
  exitCode?: number;
  durationMs?: number;
  terminationMessage?: string;
  log?: string;
  /** It never ends by itself. */
  hang?: boolean;
  /** It does not end when it is told to: only when its grace period is over. */
  deaf?: boolean;
  /** It asks for a reboot of its node when it ends. */
  reboot?: boolean;
}

export type Script = (pod: Obj, node: string, attempt: number) => Outcome | undefined;

export interface KubeletOptions {
  store: Store;
  dir: string;
  namespaces: boolean;
  script: Script | undefined;
  bootMs: number;
  /** Whether an image can be had; asked at every attempt to start a container. */
  pullable: (image: string) => boolean;
}

const POWER_CUT: Loss = { exitCode: 255, reason: 'Unknown' };

/** One node's agent: runs the pods bound to it and reports what became of them. */
export class Kubelet {
  readonly name: string;
  private readonly options: KubeletOptions;
  private readonly pods = new Map<string, PodRun>();
  /** Of pods that have ended, by uid and container. */
  private readonly logs = new Map<string, Map<string, ContainerLogs>>();
  private readonly hostDir: string;
  private readonly controlDir: string;
  private watcher: FSWatcher | undefined;
  private cancelBoot = (): void => {};
  private up = false;
  private closed = false;

  constructor(name: string, options: KubeletOptions) {
    this.name = name;
    this.options = options;
    this.hostDir = join(options.dir, name, 'root');
    this.controlDir = join(options.dir, name, 'control');
  }

  start(): void {
    if (this.options.script === undefined) {
      for (const folder of ['etc', 'var', 'tmp', 'sbin', 'proc/sys/kernel/random']) {
        mkdirSync(join(this.hostDir, folder), { recursive: true });
      }
      writeFileSync(join(this.hostDir, 'etc/hostname'), `${this.name}\n`);
      writeFileSync(join(this.hostDir, 'etc/os-release'), 'NAME="Embedded"\nID=embedded\n');
      writeFileSync(join(this.hostDir, 'etc/kairos-release'), 'KAIROS_VERSION="v1.0.0"\n');
      prepareControl(this.controlDir);
      this.watcher = watch(this.controlDir, (_, file) => {
        if (file === 'reboot' && this.up) this.reboot();
      });
    }
    this.powerOn();
  }

  /** Kills what runs; resolves when it has ended. */
  async stop(): Promise<void> {
    this.closed = true;
    this.watcher?.close();
    this.cancelBoot();
    await Promise.all([...this.pods.values()].map((run) => run.close()));
  }

  /** The logs of a pod by container. */
  log(pod: Obj): Map<string, ContainerLogs> {
    const uid = pod.metadata.uid ?? '';
    const nothing = { current: undefined, previous: undefined, isOver: () => true };
    const none = new Map(containersOf(pod).map(({ name }) => [String(name), nothing]));
    return this.pods.get(uid)?.logs() ?? this.logs.get(uid) ?? none;
  }

  /** The pod is gone, and with it what is kept of it. */
  forget(pod: Obj): void {
    this.logs.delete(pod.metadata.uid ?? '');
  }

  powerOn(): void {
    const bootID = randomUUID();
    if (this.options.script === undefined) {
      writeFileSync(join(this.hostDir, 'proc/sys/kernel/random/boot_id'), `${bootID}\n`);
    }
    this.up = true;
    this.nodeStatus('True', bootID);
    for (const run of this.pods.values()) run.recover();
    for (const pod of this.options.store.podsOn(this.name)) this.adopt(pod);
  }

  /** What ran is lost without a word: until the node is back its pods stay as they were last seen. */
  powerOff(loss: Loss = POWER_CUT): void {
    this.up = false;
    this.cancelBoot();
    this.nodeStatus('False', undefined);
    for (const run of this.pods.values()) run.lose(loss);
  }

  reboot(): void {
    if (!this.up) return;
    this.powerOff({ exitCode: 137, reason: 'Error' });
    rmSync(join(this.controlDir, 'reboot'), { force: true });
    this.cancelBoot = this.options.store.clock.after(this.options.bootMs, () => this.powerOn());
  }

  /** Starts the pod's containers, unless they have been started or have ended. */
  adopt(seen: Obj): void {
    const { store } = this.options;
    const uid = seen.metadata.uid ?? '';
    const pod = store.get('pods', seen.metadata.name ?? '', seen.metadata.namespace);
    if (pod === undefined || pod.metadata.uid !== uid) return;
    if (!this.up || this.closed || this.pods.has(uid) || isFinished(pod)) return;
    const run = new PodRun(pod, {
      store,
      pullable: this.options.pullable,
      launch: (of, container, restarts) => this.launch(of, container, restarts),
      over: () => {
        this.logs.set(uid, run.logs());
        this.pods.delete(uid);
      },
    });
    if (pod.metadata.deletionTimestamp !== undefined) return run.stop(0);
    const refused = this.refusal(pod);
    if (refused !== undefined) {
      const status = { ...pod.status, phase: 'Failed', endedAtMs: store.clock.wall(), ...refused };
      store.update('pods', { ...pod, status }, { subresource: 'status' });
      return;
    }
    this.pods.set(uid, run);
    if (at(pod, 'status.containerStatuses') === undefined) run.start();
    else run.find(POWER_CUT);
  }

  /** Ends the pod's containers; the pod goes when they have ended. */
  delete(pod: Obj, graceSeconds: number): void {
    const run = this.pods.get(pod.metadata.uid ?? '');
    if (run !== undefined) run.stop(graceSeconds);
    else if (this.up) this.options.store.remove('pods', pod);
  }

  /** A pod that was bound past the scheduler is refused where there is no room: set `status.allocatable.pods` of the node. */
  private refusal(pod: Obj): { reason: string; message: string } | undefined {
    const room = at(this.options.store.get('nodes', this.name), 'status.allocatable.pods');
    if (room === undefined) return undefined;
    const others = this.options.store
      .podsOn(this.name)
      .filter((one) => !isFinished(one) && one.metadata.uid !== pod.metadata.uid).length;
    if (others < Number(room)) return undefined;
    const counts = `requested: 1, used: ${others}, capacity: ${textOf(room)}`;
    return { reason: 'OutOfpods', message: `Node didn't have enough resource: pods, ${counts}` };
  }

  /** The script of a test stands for the first container; the others of its pod are just there. */
  private launch(pod: Obj, container: ContainerSpec, restarts: number): RunningContainer | undefined {
    const isFirst = containersOf(pod)[0]?.['name'] === container['name'];
    const outcome = isFirst ? this.options.script?.(pod, this.name, restarts) : undefined;
    if (outcome !== undefined) {
      const running = scripted(outcome, this.options.store.clock);
      // Before the pod hears of its end, so that the end is lost with the node.
      if (outcome.reboot === true) void running.ended.then(() => this.reboot());
      return running;
    }
    const { command } = container;
    const isWork = Array.isArray(command) && command.length > 0 && this.options.script === undefined;
    return isWork ? this.run(pod, container) : undefined;
  }

  private run(pod: Obj, container: ContainerSpec): RunningContainer {
    const mounts = Array.isArray(container['volumeMounts']) ? container['volumeMounts'].filter(isRecord) : [];
    const volumes = Array.isArray(pod.spec?.['volumes']) ? pod.spec['volumes'].filter(isRecord) : [];
    const host = mounts.find((mount) =>
      volumes.some((volume) => volume['name'] === mount['name'] && at(volume, 'hostPath.path') === '/'),
    );
    const env = environment(pod, container, this.options.store);
    return runContainer(
      {
        node: this.name,
        hostDir: this.hostDir,
        mount: host && { path: String(host['mountPath']), readOnly: host['readOnly'] === true },
        command: commandOf(container, env),
        env,
        workDir: join(this.options.dir, this.name, 'pods', pod.metadata.uid ?? '', String(container['name'])),
        controlDir: at(container, 'securityContext.privileged') === true ? this.controlDir : undefined,
        log: new ContainerLog(this.options.store.clock),
      },
      this.options.namespaces,
    );
  }

  private nodeStatus(ready: 'True' | 'False', bootID: string | undefined): void {
    const { store } = this.options;
    const node = store.get('nodes', this.name);
    if (node === undefined) return;
    const info = isRecord(node.status?.['nodeInfo']) ? node.status['nodeInfo'] : {};
    const reason = ready === 'True' ? 'KubeletReady' : 'NodeStatusUnknown';
    const condition = {
      type: 'Ready',
      status: ready,
      reason,
      lastTransitionTime: store.now(),
      lastHeartbeatTime: store.now(),
    };
    const status = {
      ...node.status,
      conditions: [condition],
      nodeInfo: { ...info, kubeletVersion: 'v1.32.0', ...(bootID === undefined ? {} : { bootID }) },
    };
    store.update('nodes', { ...node, status }, { subresource: 'status' });
  }
}
