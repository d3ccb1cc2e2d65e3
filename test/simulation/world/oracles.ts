import {
  ANNOTATION_CORDONED_BY,
  ANNOTATION_NODE,
  ANNOTATION_RUN,
  LABEL_CHECK,
  LABEL_NODEOP_UID,
} from '../../../src/api/labels.ts';
import {
  isFinalNodePhase,
  isFinalPhase,
  type NodeOpStatus,
  type NodeStatus,
} from '../../../src/api/nodeop.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import { type Kind, kindOf } from './machine.ts';
import { Brakes } from './oracles/brakes.ts';
import { News } from './oracles/news.ts';
import { Progress } from './oracles/progress.ts';
import { Replaced } from './oracles/replaced.ts';
import type { Seen, Time } from './oracles/seen.ts';
import { boundsOf, Steps } from './oracles/steps.ts';
import { Timing } from './oracles/timing.ts';

/** No fault lasts so long. */
const UNKNOWN_MS = 30 * 60_000;
const NODEOPS = 'nodeops.operator.kairos.io';

/**
 * What must hold, looked at from outside: by what machines really ran and by what the API server stored, never by the
 * agent's own code.
 */
export class Oracles {
  readonly #cluster: () => Seen;
  /** Names of nodes on which people's own cordon stands. */
  readonly peoplesCordons = new Set<string>();
  /** UIDs of NodeOps made by copying others: nothing of them may ever run. */
  readonly copies = new Set<string>();
  readonly violations: string[] = [];
  /** What agents have been told, where that can be seen. */
  readonly news = new News();
  /** Names of Jobs and pods whose making was held for longer than a lease lasts. */
  readonly late = new Set<string>();
  /** By UID of a NodeOp the run it was made for: another NodeOp of the same run is the same. */
  readonly #runs = new Map<string, string>();
  readonly #starts = new Map<string, number>();
  /** UIDs of pods whose container was started. */
  readonly #started = new Set<string>();
  /** UIDs of pods whose command ended well, which the API server has not been told. */
  readonly #untold = new Set<string>();
  readonly #begun: { key: string; kind: 'command' | 'reboot'; uid: string; node: string; at: number }[] = [];
  /** UIDs of pods that were being deleted on a node that was not Ready when the verdict came. */
  readonly #unheard = new Set<string>();
  /** Failures after which a further start is allowed. */
  readonly #failures = new Map<string, number>();
  /** How many of its starts no record tells of any more. */
  readonly #forgotten = new Map<string, number>();
  readonly #running = new Map<string, Set<string>>();
  readonly #specs = new Map<string, Record<string, unknown>>();
  readonly #time: Time;
  readonly #began: number;
  readonly #timing: Timing;
  readonly #brakes: Brakes;
  readonly #progress: Progress;
  readonly #steps: Steps;
  readonly #replaced: Replaced;

  constructor(
    cluster: () => Seen,
    time: Time,
    faults: { readonly troubleUntil: number; readonly unawareUntil: number },
  ) {
    this.#cluster = cluster;
    this.#time = time;
    this.#began = time.now;
    const world = { cluster, time, broken: (what: string) => this.broken(what) };
    this.#timing = new Timing({ ...world, news: this.news });
    this.#replaced = new Replaced(world);
    this.#steps = new Steps({ ...world, isBusy: (uid, node) => this.#goesOn(uid, node) });
    this.#brakes = new Brakes({
      ...world,
      onBegin: (op, node) => this.#steps.begins(op, node),
      calmSince: () => Math.max(faults.troubleUntil, faults.unawareUntil),
    });
    this.#progress = new Progress({ ...world, troubleUntil: () => faults.troubleUntil, copies: this.copies });
  }

  /** Somebody set the clock of an agent: what it counts from stamps of others may be wrong by as much. */
  set isTimeSet(isSet: boolean) {
    this.#timing.isTimeSet = isSet;
    this.#steps.isTimeSet = isSet;
    this.#brakes.isTimeSet = isSet;
  }

  /** Nodes of a NodeOp of that name are to be started only inside of the window. */
  expectWindow(name: string, window: string): void {
    this.#brakes.windows.set(name, window);
  }

  readonly rebooted = (node: string): void => this.#timing.rebooted(node);

  /** Whether people do what is being stored right now. */
  byPeople = false;

  watch(): void {
    const { store } = this.#cluster();
    store.watchAll((key, { type, object, before }) => {
      if (key === NODEOPS) this.#nodeOp(object, before, type === 'DELETED');
      if (key === 'nodes' && before !== undefined && type === 'MODIFIED') this.#node(object, before);
      if (key === 'pods' && type === 'ADDED') this.#podAdded(object);
      if (key === 'pods') this.#endIsTold(object, type === 'DELETED');
      if (key === 'pods') this.#deletionIsTaken(object, before);
      if (key === 'pods' && type !== 'DELETED') this.#replaced.stored(object, before, this.byPeople);
      this.#timing.stored(key, object, before, type === 'DELETED');
      this.#brakes.stored(key, object, before);
      this.#progress.stored(key, object, before, type === 'DELETED');
    });
  }

  readonly containerStarts = (node: string, kind: Kind, pod: Obj): void => {
    if (kind === 'workload') return;
    const uid = uidOf(pod);
    if (kind === 'check') return this.#checkStarts(uid, pod);
    const running = this.#running.get(node) ?? new Set();
    this.#running.set(node, running);
    for (const other of running) {
      const isOwn = other.startsWith(uid);
      if (!isOwn) this.broken(`two NodeOps work on ${node}`);
      // One that only looks at the node, and was made late, is deleted as soon as it is seen.
      const isLate = kind !== 'command' && this.late.has(pod.metadata.name ?? '');
      if (isOwn && !isLate) this.broken(`${kind} starts on ${node} beside what runs there already`);
    }
    running.add(`${uid}/${pod.metadata.uid}`);
    this.#started.add(pod.metadata.uid ?? '');
    if (this.copies.has(uid)) this.broken(`a copied NodeOp runs its ${kind} on ${node}`);
    if (kind === 'preflight' || kind === 'postflight') return;
    if (kind === 'command') this.#counts(kind, uid, node);
    if (kind === 'command' && !this.#isOfLateJob(pod, uid, node)) this.#comesInTime(kind, uid, node);
    if (kind === 'command') this.#mayStart(uid, node);
    if (kind !== 'command') return;
    const goneSince = this.#timing.goneSince(uid, node);
    if (goneSince !== undefined && this.#brakes.isKnown(goneSince))
      this.broken(`command starts on ${node}, which is another machine by now`);
    this.#timing.commandStarts(uid, node);
  };

  /** The pod that asks is not what counts: it does nothing in another boot than its own. */
  readonly asked = (node: string, pod: Obj): void => {
    this.#comesInTime('reboot', uidOf(pod), node);
    this.#counts('reboot', uidOf(pod), node);
    if (this.#timing.goneSince(uidOf(pod), node) !== undefined)
      this.broken(`reboot of ${node}, which is another machine by now`);
  };

  /**
   * Its Job was made by a write that the API server held for longer than a lease lasts. Whoever led by then had no way to know of
   * it when the run was cancelled; it is deleted as soon as it is seen, and may have begun.
   */
  #isOfLateJob({ metadata }: Obj, uid: string, node: string): boolean {
    const job = metadata.labels?.['batch.kubernetes.io/job-name'] ?? '';
    return this.late.has(job) && this.#verdict(uid, node)?.phase === 'Cancelled';
  }

  #comesInTime(kind: 'command' | 'reboot', uid: string, node: string): void {
    const verdict = this.#verdict(uid, node);
    if (verdict !== undefined && isFinalNodePhase(verdict.phase))
      this.broken(`${kind} starts on ${node} after the verdict ${verdict.phase}: ${verdict.message ?? ''}`);
  }

  #goesOn(uid: string, node: string): boolean {
    const unheard = new Set(
      this.#cluster()
        .store.podsOn(node)
        .filter((pod) => this.#isUnheard(pod, node))
        .map((pod) => `${uid}/${pod.metadata.uid}`),
    );
    return [...(this.#running.get(node) ?? [])].some((it) => it.startsWith(uid) && !unheard.has(it));
  }

  /** Where a node cannot tell of the end of what was deleted, or could not when the verdict came, that is not waited for. */
  #isUnheard({ metadata }: Obj, node: string): boolean {
    if (this.#unheard.has(metadata.uid ?? '')) return true;
    return metadata.deletionTimestamp !== undefined && !this.#isReady(node);
  }

  readonly checkPasses = (op: string, step: number, check: number): void =>
    this.#steps.passes(op, step, check);

  #checkStarts(uid: string, pod: Obj): void {
    this.#started.add(pod.metadata.uid ?? '');
    this.#steps.tries(uid, pod.metadata.labels?.[LABEL_CHECK] ?? '');
    if (this.copies.has(uid)) this.broken('a copied NodeOp runs a check');
  }

  #checkEnds(uid: string, { metadata }: Obj, exitCode: number | undefined): void {
    const [step, check] = (metadata.labels?.[LABEL_CHECK] ?? '').split('.').map(Number);
    const op = this.#cluster()
      .nodeOps()
      .find((it) => it.metadata.uid === uid);
    if (exitCode === 0) this.checkPasses(op?.metadata.name ?? '', step ?? 0, check ?? 0);
  }

  #counts(kind: 'command' | 'reboot', uid: string, node: string): void {
    const key = `${kind}/${this.#runs.get(uid) ?? uid}/${node}`;
    const count = (this.#starts.get(key) ?? 0) + 1;
    this.#starts.set(key, count);
    this.#begun.push({ key, kind, uid, node, at: this.#time.now });
    const allowed = 1 + (this.#failures.get(key) ?? 0) + (this.#forgotten.get(key) ?? 0);
    if (count > allowed) this.broken(`${kind} started ${count} times on ${node}`);
  }

  /**
   * People take away what is left of a Job. When no agent has put it on record by then, nothing in the world says that it was
   * there, and it is made again.
   */
  forgets(pod: Obj, node: string): void {
    const uid = uidOf(pod);
    if (this.#verdict(uid, node)?.jobName !== undefined) return;
    this.#timing.commandForgotten(uid, node);
    const key = `command/${this.#runs.get(uid) ?? uid}/${node}`;
    this.#failures.set(key, (this.#failures.get(key) ?? 0) + 1);
  }

  /** The cluster is as it was at that moment: what was not on record by then nobody knows any more. */
  isRestored(as: number, restore: () => void): void {
    restore();
    const lost = this.#begun.filter(({ at }) => at > as);
    for (const { key, kind, uid, node } of lost)
      if (!this.#isOnRecord(kind, uid, node)) this.#forgotten.set(key, (this.#forgotten.get(key) ?? 0) + 1);
    this.peoplesCordons.clear();
    for (const { metadata, spec } of this.#cluster().store.all('nodes'))
      if (spec?.['unschedulable'] === true && metadata.annotations?.[ANNOTATION_CORDONED_BY] === undefined)
        this.peoplesCordons.add(metadata.name ?? '');
    this.#untold.clear();
    this.#timing.isRestored();
    this.#replaced.isRestored();
    this.#brakes.isRestored();
    this.#steps.isRestored();
  }

  /** A command whose Job is on record and not there, and a reboot that is on record, are not to come again. */
  #isOnRecord(kind: 'command' | 'reboot', uid: string, node: string): boolean {
    const { phase, jobName } = this.#verdict(uid, node) ?? {};
    if (kind === 'reboot') return phase === 'Rebooting';
    const isThere = this.#cluster()
      .store.all('jobs.batch')
      .some(({ metadata }) => metadata.name === jobName);
    return jobName !== undefined && !isThere;
  }

  readonly containerEnds = (node: string, kind: Kind, pod: Obj, exitCode?: number): void => {
    if (kind === 'workload') return;
    const uid = uidOf(pod);
    if (kind === 'check') return this.#checkEnds(uid, pod, exitCode);
    // What is told of is the pod as it began.
    const pods = this.#cluster().store.podsOn(node);
    const stored = pods.find(({ metadata }) => metadata.uid === pod.metadata.uid);
    if (!this.#isUnheard(stored ?? pod, node)) this.#steps.ends(uid, node);
    this.#running.get(node)?.delete(`${uid}/${pod.metadata.uid}`);
    if (kind !== 'command') return;
    this.#commandEnds(uid, node);
    if (exitCode === 0) this.#untold.add(pod.metadata.uid ?? '');
    else this.#fails(uid, node, exitCode === undefined || [137, 143, 255].includes(exitCode));
  };

  /** Where a node is not Ready it may be finished from here on: its step soaks while the machine ends what runs there. */
  #deletionIsTaken(pod: Obj, before: Obj | undefined): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp === undefined || before?.metadata.deletionTimestamp !== undefined) return;
    const node = pod.metadata.annotations?.[ANNOTATION_NODE] ?? '';
    const isRunning = this.#running.get(node)?.has(`${uidOf(pod)}/${uid}`) === true;
    if (isRunning) this.#steps.ends(uidOf(pod), node);
  }

  /** A command whose good end the API server was not told before its pod was ended or gone is lost, by all that anybody can know. */
  #endIsTold(pod: Obj, gone: boolean): void {
    const { uid = '' } = pod.metadata;
    const phase = String(pod.status?.['phase']);
    if (!this.#untold.has(uid) || !(gone || ['Succeeded', 'Failed'].includes(phase))) return;
    this.#untold.delete(uid);
    if (phase !== 'Succeeded')
      this.#fails(uidOf(pod), pod.metadata.annotations?.[ANNOTATION_NODE] ?? '', true);
  }

  /** A command that failed may be run again, as often as the NodeOp says; one that was stopped or lost only where it says so. */
  #fails(uid: string, node: string, isLost: boolean): void {
    if (isLost && this.#specs.get(uid)?.['retryAfterDisruption'] !== true) return;
    const key = `command/${this.#runs.get(uid) ?? uid}/${node}`;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    if (failures <= Number(this.#specs.get(uid)?.['backoffLimit'] ?? 0)) this.#failures.set(key, failures);
  }

  #commandEnds(uid: string, node: string): void {
    this.#timing.commandEnds(uid, node);
    this.#time.after(UNKNOWN_MS, () => {
      const verdict = this.#verdict(uid, node);
      if (verdict && ['Pending', 'Preflight', 'Draining'].includes(verdict.phase))
        this.broken(`the status of ${node} is still ${verdict.phase} long after its command has ended`);
    });
  }

  /** The command may begin only on a drained node. */
  #mayStart(uid: string, node: string): void {
    const spec = this.#specs.get(uid) as { drainOptions?: { enabled?: boolean } } | undefined;
    if (spec?.drainOptions?.enabled !== true) return;
    const left = this.#cluster()
      .store.podsOn(node)
      .filter((pod) => kindOf(pod) === 'workload' && pod.metadata.ownerReferences !== undefined)
      .filter((pod) => pod.metadata.deletionTimestamp === undefined)
      .filter((pod) => pod.status?.['phase'] === 'Running');
    const stored = this.#cluster().store.get('nodes', node);
    // Whoever uncordons a node in mid-operation gets pods on it.
    if (left.length > 0 && stored?.spec?.['unschedulable'] === true)
      this.broken(
        `the command starts on ${node} beside ${left.map(({ metadata }) => metadata.name).join(', ')}`,
      );
  }

  #nodeOp(object: Obj, before: Obj | undefined, gone: boolean): void {
    const uid = object.metadata.uid ?? '';
    const run = object.metadata.annotations?.[ANNOTATION_RUN];
    if (before === undefined && run !== undefined) this.#runs.set(uid, run);
    if (before === undefined) this.#specs.set(uid, object.spec ?? {});
    const was = (before?.status ?? {}) as NodeOpStatus;
    const is = (object.status ?? {}) as NodeOpStatus;
    if (gone) return;
    for (const [node, status] of Object.entries(was.nodeStatuses ?? {})) {
      const next = is.nodeStatuses?.[node];
      if (isFinalNodePhase(status.phase) && next?.phase !== status.phase)
        this.broken(`the verdict on ${node} changed from ${status.phase} to ${next?.phase}`);
    }
    for (const [node, { phase }] of Object.entries(is.nodeStatuses ?? {}))
      if (isFinalNodePhase(phase) && !isOver(was.nodeStatuses?.[node])) this.#verdictComes(uid, node);
    if (isFinalPhase(was.phase) && is.phase !== was.phase)
      this.broken(`${object.metadata.name} changed from ${was.phase} to ${is.phase}`);
    if (isFinalPhase(is.phase)) {
      const open = Object.entries(is.nodeStatuses ?? {}).filter(([, it]) => !isFinalNodePhase(it.phase));
      if (open.length > 0)
        this.broken(`${object.metadata.name} is ${is.phase} with ${open[0]?.[0]} in flight`);
    }
    this.#steps.stored(object, before);
    this.#concurrency(object, is);
  }

  #verdictComes(uid: string, node: string): void {
    if (this.#isReady(node)) return;
    for (const { metadata } of this.#cluster().store.podsOn(node))
      if (metadata.labels?.[LABEL_NODEOP_UID] === uid && metadata.deletionTimestamp !== undefined)
        this.#unheard.add(metadata.uid ?? '');
  }

  /** Nodes on which something of it is there. */
  #concurrency(object: Obj, status: NodeOpStatus): void {
    const isOpen = (it: NodeStatus) =>
      it.phase !== 'Pending' && !isFinalNodePhase(it.phase) && !this.#isDone(object, it);
    const open = Object.entries(status.nodeStatuses ?? {}).filter(([, it]) => isOpen(it));
    for (const { nodes, most } of boundsOf(object)) {
      const { length } = open.filter(([node]) => nodes.includes(node));
      if (length > most) this.broken(`${length} nodes in flight, ${most} allowed`);
    }
  }

  /** Nothing more comes on the node, though the verdict of an agent that was killed is not on record: its Job says how it ended. */
  #isDone({ metadata, spec = {} }: Obj, { jobName = '' }: NodeStatus): boolean {
    const job = this.#cluster().store.get('jobs.batch', jobName, metadata.namespace);
    const conditions = (job?.status?.['conditions'] ?? []) as { type: string; status: string }[];
    const has = (type: string) => conditions.some((it) => it.type === type && it.status === 'True');
    const goesOn = spec['rebootOnSuccess'] === true || spec['postflight'] !== undefined;
    return has('Failed') || (has('Complete') && !goesOn);
  }

  #podAdded(pod: Obj): void {
    const kind = kindOf(pod);
    if (kind === 'workload' || kind === 'check') return;
    const uid = uidOf(pod);
    const busy = new Set(
      this.#cluster()
        .store.all('pods')
        .filter((it) => uidOf(it) === uid && kindOf(it) !== 'check' && this.#isOpen(it))
        .map((it) => it.metadata.annotations?.[ANNOTATION_NODE]),
    );
    const op = this.#cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uid);
    for (const { nodes, most } of op ? boundsOf(op) : []) {
      const open = nodes.filter((node) => busy.has(node) && !isOver(this.#verdict(uid, node)));
      if (open.length > most) this.broken(`pods on ${open.length} nodes, ${most} allowed`);
    }
  }

  /** It runs, or may yet begin to. */
  #isOpen(pod: Obj): boolean {
    if (['Succeeded', 'Failed'].includes(String(pod.status?.['phase']))) return false;
    // On a node that is gone nothing runs any more, and it holds no slot.
    if (this.#cluster().store.get('nodes', String(pod.spec?.['nodeName'])) === undefined) return false;
    const { uid = '' } = pod.metadata;
    if (!this.#started.has(uid)) return true;
    const node = pod.metadata.annotations?.[ANNOTATION_NODE] ?? '';
    return this.#running.get(node)?.has(`${uidOf(pod)}/${uid}`) === true;
  }

  #node(object: Obj, before: Obj): void {
    const name = object.metadata.name ?? '';
    const was = before.spec?.['unschedulable'] === true;
    const is = object.spec?.['unschedulable'] === true;
    if (this.byPeople || was === is) return;
    const mark = before.metadata.annotations?.[ANNOTATION_CORDONED_BY];
    if (was && !is && (mark === undefined || this.peoplesCordons.has(name)))
      this.broken(`somebody else's cordon of ${name} was undone`);
    if (!was && is && object.metadata.annotations?.[ANNOTATION_CORDONED_BY] === undefined)
      this.broken(`${name} was cordoned without a mark`);
    if (was && !is && mark !== undefined) {
      const others = [...(this.#running.get(name) ?? [])].filter(
        (it) => !it.startsWith(mark.split('@')[1] ?? ''),
      );
      if (others.length > 0) this.broken(`${name} was uncordoned under another NodeOp`);
    }
  }

  /** Whether nothing is going to change any more. */
  get isOver(): boolean {
    return this.#cluster()
      .nodeOps()
      .every(({ metadata, status }) => {
        const { phase } = (status ?? {}) as NodeOpStatus;
        const isRefused = this.copies.has(metadata.uid ?? '');
        const entries = Object.values(((status ?? {}) as NodeOpStatus).nodeStatuses ?? {});
        const isAway = entries.every((it) => isFinalNodePhase(it.phase)) && this.#waitsForReady(status ?? {});
        const isDone = isFinalPhase(phase) || isAway;
        return metadata.deletionTimestamp === undefined && (isRefused || isDone);
      });
  }

  /** How everything stands, without times, messages, and what is told of attempts. */
  end(): string {
    const { store } = this.#cluster();
    const ops = this.#cluster()
      .nodeOps()
      .map(({ metadata, status }) => {
        const { phase, nodeStatuses = {} } = (status ?? {}) as NodeOpStatus;
        const nodes = Object.entries(nodeStatuses).map(
          ([name, it]) => `${name} ${it.phase} ${it.rebootStatus ?? ''} ${it.exitCode ?? ''}`,
        );
        return `${metadata.name} ${phase}: ${nodes.toSorted().join(', ')}`;
      });
    const nodes = store.all('nodes').map(({ metadata, spec }) => {
      const mark = metadata.annotations?.[ANNOTATION_CORDONED_BY]?.split('@')[0] ?? '';
      return `${metadata.name} ${spec?.['unschedulable'] === true ? `cordoned ${mark}` : ''}`;
    });
    const starts = [...this.#starts.entries()].map(([key, count]) => {
      const [kind, , node] = key.split('/');
      return `${kind} on ${node} ${count}`;
    });
    return [...ops, ...nodes, ...starts].toSorted().join('; ');
  }

  /** When everything has settled. */
  atEnd(wayBack?: string): void {
    const { store } = this.#cluster();
    for (const op of this.#cluster().nodeOps()) {
      const { phase, nodeStatuses } = (op.status ?? {}) as NodeOpStatus;
      if (op.metadata.name === wayBack && phase !== 'Completed')
        this.broken(`${wayBack} is ${phase} after all that came before it: ${JSON.stringify(nodeStatuses)}`);
      const status = (op.status ?? {}) as NodeOpStatus;
      const { name, uid = '' } = op.metadata;
      if (op.metadata.deletionTimestamp !== undefined) this.broken(`${name} is still being deleted`);
      if (this.copies.has(uid)) continue;
      if (op.spec?.['suspend'] === true) continue;
      if (!isFinalPhase(status.phase) && !this.#waitsForReady(status))
        this.broken(`${name} did not end: ${status.phase} ${JSON.stringify(status.nodeStatuses)}`);
    }
    for (const node of store.all('nodes')) this.#cordonHasReason(node);
    for (const pod of store.all('pods')) this.#nothingLeft(pod);
  }

  /** A node that was done and never comes back Ready keeps its place for good. */
  #waitsForReady({ nodeStatuses = {} }: NodeOpStatus): boolean {
    return Object.entries(nodeStatuses).some(([name, { phase, jobName }]) => {
      const isThere = this.#cluster().store.get('nodes', name) !== undefined;
      return phase === 'Completed' && jobName !== undefined && isThere && !this.#isReady(name);
    });
  }

  #isReady(name: string): boolean {
    const node = this.#cluster().store.get('nodes', name);
    const conditions = (node?.status?.['conditions'] ?? []) as { type: string; status: string }[];
    return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  }

  #cordonHasReason(node: Obj): void {
    const mark = node.metadata.annotations?.[ANNOTATION_CORDONED_BY];
    const name = node.metadata.name ?? '';
    if (mark === undefined) return;
    const op = this.#cluster()
      .nodeOps()
      .find(({ metadata }) => mark.endsWith(`@${metadata.uid}`));
    const status = ((op?.status ?? {}) as NodeOpStatus).nodeStatuses?.[name];
    const suspended = op?.spec?.['suspend'] === true;
    if (status?.phase !== 'Failed' && !suspended)
      this.broken(`${name} stays cordoned by ${mark}: ${status?.phase ?? 'there is no such NodeOp'}`);
  }

  #nothingLeft(pod: Obj): void {
    const kind = kindOf(pod);
    if (kind === 'workload') return;
    const op = this.#cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uidOf(pod));
    const node = pod.metadata.annotations?.[ANNOTATION_NODE] ?? '';
    const runs = this.#running.get(node)?.has(`${uidOf(pod)}/${pod.metadata.uid}`) === true;
    const phase = ((op?.status ?? {}) as NodeOpStatus).phase;
    if (op !== undefined && !isFinalPhase(phase)) return;
    const isEnding = pod.metadata.deletionTimestamp !== undefined;
    if (runs && !this.#isUnheard(pod, node)) this.broken(`${kind} of ${node} still runs`);
    const mayStart = !isEnding && this.#isOpen(pod);
    if (mayStart && !runs) this.broken(`${kind} of ${node} may start though its NodeOp is over`);
  }

  #verdict(uid: string, node: string): NodeStatus | undefined {
    const op = this.#cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uid);
    return ((op?.status ?? {}) as NodeOpStatus).nodeStatuses?.[node];
  }

  broken(what: string): void {
    this.violations.push(`${((this.#time.now - this.#began) / 1000).toFixed(3)} s: ${what}`);
  }
}

function isOver(status: NodeStatus | undefined): boolean {
  return status !== undefined && isFinalNodePhase(status.phase);
}

function uidOf(object: Obj): string {
  return object.metadata.labels?.[LABEL_NODEOP_UID] ?? '';
}
