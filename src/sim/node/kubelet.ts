import { randomUUID } from 'node:crypto';
import { type FSWatcher, mkdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, isRecord, type Obj, textOf } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { type ContainerResult, prepareControl, runContainer, type RunningContainer } from './runtime.ts';

/** What a scripted container does instead of running its command. */
export interface Outcome {
  exitCode?: number;
  durationMs?: number;
  terminationMessage?: string;
  log?: string;
  /** It never ends by itself. */
  hang?: boolean;
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
}

interface PodRun {
  container: RunningContainer | undefined;
  stopping: boolean;
  deadline: NodeJS.Timeout | undefined;
}

const stamp = (): string => new Date().toISOString().replace(/\.\d+Z/, 'Z');

/** One node's agent: runs the pods bound to it and reports what became of them. */
export class Kubelet {
  readonly name: string;
  private readonly options: KubeletOptions;
  private readonly pods = new Map<string, PodRun>();
  private readonly logs = new Map<string, string>();
  private readonly hostDir: string;
  private readonly controlDir: string;
  private watcher: FSWatcher | undefined;
  private boot: NodeJS.Timeout | undefined;
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
    clearTimeout(this.boot);
    const runs = [...this.pods.values()];
    for (const run of runs) {
      clearTimeout(run.deadline);
      run.container?.kill('SIGKILL');
    }
    await Promise.all(runs.flatMap((run) => (run.container === undefined ? [] : [run.container.ended])));
  }

  log(pod: Obj): string {
    return this.logs.get(pod.metadata.uid ?? '') ?? '';
  }

  powerOn(): void {
    const bootID = randomUUID();
    if (this.options.script === undefined) {
      writeFileSync(join(this.hostDir, 'proc/sys/kernel/random/boot_id'), `${bootID}\n`);
    }
    this.up = true;
    this.nodeStatus('True', bootID);
    for (const pod of this.options.store.podsOn(this.name)) this.adopt(pod);
  }

  powerOff(): void {
    this.up = false;
    clearTimeout(this.boot);
    this.nodeStatus('False', undefined);
    for (const run of this.pods.values()) run.container?.kill('SIGKILL');
  }

  reboot(): void {
    if (!this.up) return;
    this.powerOff();
    rmSync(join(this.controlDir, 'reboot'), { force: true });
    this.boot = setTimeout(() => this.powerOn(), this.options.bootMs);
  }

  /** Starts the pod's container, unless it has been started or has ended. */
  adopt(seen: Obj): void {
    const uid = seen.metadata.uid ?? '';
    const pod = this.options.store.get('pods', seen.metadata.name ?? '', seen.metadata.namespace);
    if (pod === undefined || pod.metadata.uid !== uid) return;
    const phase = at(pod, 'status.phase');
    if (!this.up || this.pods.has(uid) || phase === 'Succeeded' || phase === 'Failed') return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.options.store.remove('pods', pod);
      return;
    }
    const bound = Number(pod.spec?.['activeDeadlineSeconds'] ?? 0);
    const run: PodRun = { container: undefined, stopping: false, deadline: undefined };
    if (bound > 0) run.deadline = setTimeout(() => this.expire(pod, run), bound * 1000);
    this.pods.set(uid, run);
    void this.attempt(pod, run, Number(firstStatus(pod)?.['restartCount'] ?? 0));
  }

  /** Ends the pod's container; the pod goes when it has ended. */
  delete(pod: Obj, graceSeconds: number): void {
    const run = this.pods.get(pod.metadata.uid ?? '');
    if (run === undefined || run.container === undefined) {
      this.pods.delete(pod.metadata.uid ?? '');
      if (this.up) this.options.store.remove('pods', pod);
      return;
    }
    run.stopping = true;
    run.container.kill('SIGTERM');
    setTimeout(() => run.container?.kill('SIGKILL'), graceSeconds * 1000).unref();
  }

  private expire(pod: Obj, run: PodRun): void {
    run.stopping = true;
    run.container?.kill('SIGKILL');
    this.podStatus(pod, {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  }

  private async attempt(pod: Obj, run: PodRun, restarts: number): Promise<void> {
    const outcome = this.options.script?.(pod, this.name, restarts);
    const container = firstContainer(pod);
    const command = container?.['command'];
    const isWork = outcome !== undefined || (Array.isArray(command) && command.length > 0);
    const running = { state: { running: { startedAt: stamp() } }, ready: true, restartCount: restarts };
    this.podStatus(pod, { phase: 'Running' }, running);
    // Workload without a command is just there, which costs nothing.
    if (!isWork) return;
    run.container = outcome ? scripted(outcome) : this.launch(pod, container ?? {});
    const result = await run.container.ended;
    run.container = undefined;
    if (this.closed) return;
    this.logs.set(pod.metadata.uid ?? '', result.log);
    if (outcome?.reboot === true) this.reboot();
    this.ended(pod, run, restarts, result);
  }

  private ended(pod: Obj, run: PodRun, restarts: number, result: ContainerResult): void {
    const known = this.options.store.get('pods', pod.metadata.name ?? '', pod.metadata.namespace);
    if (known === undefined || known.metadata.uid !== pod.metadata.uid) return;
    clearTimeout(run.deadline);
    const terminated = {
      exitCode: result.exitCode,
      reason: result.exitCode === 0 ? 'Completed' : 'Error',
      finishedAt: stamp(),
      ...messageOf(pod, result),
    };
    const policy = pod.spec?.['restartPolicy'] ?? 'Always';
    const again = !run.stopping && (policy === 'Always' || (policy === 'OnFailure' && result.exitCode !== 0));
    if (again) return this.restart(pod, run, restarts, terminated);
    this.pods.delete(pod.metadata.uid ?? '');
    if (at(known, 'status.reason') === 'DeadlineExceeded') return;
    const phase = result.exitCode === 0 ? 'Succeeded' : 'Failed';
    this.podStatus(pod, { phase }, { state: { terminated }, ready: false, restartCount: restarts });
    if (known.metadata.deletionTimestamp !== undefined) this.options.store.remove('pods', known);
  }

  private restart(pod: Obj, run: PodRun, restarts: number, terminated: object): void {
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' };
    this.podStatus(
      pod,
      { phase: 'Running' },
      { state: { waiting }, lastState: { terminated }, ready: false, restartCount: restarts + 1 },
    );
    if (!this.up) {
      this.pods.delete(pod.metadata.uid ?? '');
      return;
    }
    setTimeout(
      () => {
        if (this.up && !run.stopping && this.pods.has(pod.metadata.uid ?? ''))
          void this.attempt(pod, run, restarts + 1);
      },
      200 * 2 ** Math.min(restarts, 6),
    ).unref();
  }

  private launch(pod: Obj, container: Record<string, unknown>): RunningContainer {
    const mounts = Array.isArray(container['volumeMounts']) ? container['volumeMounts'].filter(isRecord) : [];
    const volumes = Array.isArray(pod.spec?.['volumes']) ? pod.spec['volumes'].filter(isRecord) : [];
    const host = mounts.find((mount) =>
      volumes.some((volume) => volume['name'] === mount['name'] && at(volume, 'hostPath.path') === '/'),
    );
    return runContainer(
      {
        node: this.name,
        hostDir: this.hostDir,
        mount: host && { path: String(host['mountPath']), readOnly: host['readOnly'] === true },
        command: (container['command'] as string[]).concat((container['args'] as string[] | undefined) ?? []),
        env: environment(pod, container),
        workDir: join(this.options.dir, this.name, 'pods', pod.metadata.uid ?? ''),
        controlDir: this.controlDir,
      },
      this.options.namespaces,
    );
  }

  private podStatus(pod: Obj, status: Record<string, unknown>, container?: Record<string, unknown>): void {
    const { store } = this.options;
    const known = store.get('pods', pod.metadata.name ?? '', pod.metadata.namespace);
    if (known === undefined || known.metadata.uid !== pod.metadata.uid) return;
    const over = status['phase'] === 'Failed' || status['phase'] === 'Succeeded';
    const runs = status['phase'] === 'Running' && container?.['ready'] !== false;
    // Nobody in here opens a readiness gate, so a pod that has one is never ready.
    const gated = Array.isArray(pod.spec?.['readinessGates']) && pod.spec['readinessGates'].length > 0;
    const ready = runs && !gated ? 'True' : 'False';
    const containerStatuses = container
      ? [
          {
            name: firstContainer(pod)?.['name'] ?? 'main',
            image: firstContainer(pod)?.['image'] ?? '',
            ...container,
          },
        ]
      : known.status?.['containerStatuses'];
    const next = {
      ...known.status,
      ...status,
      startTime: known.status?.['startTime'] ?? stamp(),
      // For the Job controller's back-off, which needs more than whole seconds.
      ...(over ? { endedAtMs: Date.now() } : {}),
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: stamp() }],
      ...(containerStatuses === undefined ? {} : { containerStatuses }),
    };
    store.update('pods', { ...known, status: next }, { subresource: 'status' });
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
      lastTransitionTime: stamp(),
      lastHeartbeatTime: stamp(),
    };
    const status = {
      ...node.status,
      conditions: [condition],
      nodeInfo: { ...info, kubeletVersion: 'v1.32.0', ...(bootID === undefined ? {} : { bootID }) },
    };
    store.update('nodes', { ...node, status }, { subresource: 'status' });
  }
}

function firstContainer(pod: Obj): Record<string, unknown> | undefined {
  const list = pod.spec?.['containers'];
  return Array.isArray(list) && isRecord(list[0]) ? list[0] : undefined;
}

function firstStatus(pod: Obj): Record<string, unknown> | undefined {
  const list = at(pod, 'status.containerStatuses');
  return Array.isArray(list) && isRecord(list[0]) ? list[0] : undefined;
}

/** The termination message, or by FallbackToLogsOnError the end of a failed container's log. */
function messageOf(pod: Obj, result: ContainerResult): { message?: string } {
  if (result.terminationMessage !== '') return { message: result.terminationMessage };
  const falls = firstContainer(pod)?.['terminationMessagePolicy'] === 'FallbackToLogsOnError';
  if (!falls || result.exitCode === 0 || result.log === '') return {};
  return { message: result.log.split('\n').slice(-80).join('\n').slice(-2048) };
}

function environment(pod: Obj, container: Record<string, unknown>): Record<string, string> {
  const env: Record<string, string> = {};
  const list = Array.isArray(container['env']) ? container['env'].filter(isRecord) : [];
  for (const entry of list) {
    const field = at(entry, 'valueFrom.fieldRef.fieldPath');
    const value = typeof field === 'string' ? at(pod, field) : entry['value'];
    env[String(entry['name'])] = textOf(value);
  }
  return env;
}

function scripted(outcome: Outcome): RunningContainer {
  const { promise, resolve } = Promise.withResolvers<ContainerResult>();
  const end = (exitCode: number) =>
    resolve({ exitCode, log: outcome.log ?? '', terminationMessage: outcome.terminationMessage ?? '' });
  const timer =
    outcome.hang === true ? undefined : setTimeout(() => end(outcome.exitCode ?? 0), outcome.durationMs ?? 0);
  return {
    ended: promise,
    kill: (signal) => {
      clearTimeout(timer);
      end(signal === 'SIGTERM' ? 143 : 137);
    },
  };
}
