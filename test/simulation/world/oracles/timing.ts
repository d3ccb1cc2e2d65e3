import { ANNOTATION_NODE, LABEL_NODEOP_UID } from '../../../../src/api/labels.ts';
import type { NodeOpStatus, NodeStatus } from '../../../../src/api/nodeop.ts';
import type { Obj } from '../../../../src/sim/store/object.ts';
import { type Kind, kindOf } from '../machine.ts';
import type { News } from './news.ts';
import type { Seen, Time } from './seen.ts';

/** Clocks of two agents may differ by so much, and what one has recorded the other counts from. */
const SKEW_MS = 12_000;
/** The clock of an agent may be ahead of the API server's, by whose times it counts how old a pod is. */
const AHEAD_MS = 5_000;
/** So long a verdict may take until it is on record. */
const RECORDED_MS = 10_000;
/** How long past its deadline the pod of a preflight or postflight may linger. */
const GRACE_MS = 60_000;

interface Facts {
  commandStarted?: number;
  commandEnded?: number;
  /** Of the node at the end of its command. */
  bootID?: unknown;
  /** UID of the node on which the command started. */
  nodeUid?: string | undefined;
  /** When that node went, and whether all that was to be done on it was done by then. */
  gone?: { at: number; wasDone: boolean };
  rebooted?: number;
  /** The last one of each kind that was made before the verdict: times are counted for each pod. */
  pods: Map<Kind, PodTimes>;
  isJudged: boolean;
}

/** When the API server was told of a pod, and of what became of it. */
interface PodTimes {
  uid: string | undefined;
  made: number;
  began?: number;
  succeeded?: number;
}

interface World {
  cluster: () => Seen;
  time: Time;
  news: News;
  broken: (what: string) => void;
}

/** Verdicts against what had happened by the time that they speak of. */
export class Timing {
  isTimeSet = false;
  readonly #world: World;
  readonly #facts = new Map<string, Facts>();
  /** Nodes that are Ready: in which boot, and since when. */
  readonly #ready = new Map<string, { bootID: unknown; since: number }>();
  #leader = '';
  #leaderSince = 0;

  constructor(world: World) {
    this.#world = world;
  }

  commandStarts(uid: string, node: string): void {
    const facts = this.#of(uid, node);
    facts.commandStarted ??= this.#now;
    facts.nodeUid = this.#world.cluster().store.get('nodes', node)?.metadata.uid;
    delete facts.gone;
  }

  /** Since when the node on which the command started is not there any more. */
  goneSince(uid: string, node: string): number | undefined {
    return this.#facts.get(`${uid}/${node}`)?.gone?.at;
  }

  commandEnds(uid: string, node: string): void {
    const facts = this.#of(uid, node);
    facts.commandEnded = this.#now;
    const { nodeInfo } = this.#world.cluster().store.get('nodes', node)?.status ?? {};
    facts.bootID = ((nodeInfo ?? {}) as { bootID?: string }).bootID;
  }

  /** Nothing in the world says any more that it was there. */
  commandForgotten(uid: string, node: string): void {
    delete this.#of(uid, node).commandStarted;
  }

  rebooted(node: string): void {
    for (const [key, facts] of this.#facts) if (key.endsWith(`/${node}`)) facts.rebooted = this.#now;
  }

  /** What it has seen is not on record any more. */
  isRestored(): void {
    const { store } = this.#world.cluster();
    this.#facts.clear();
    this.#ready.clear();
    for (const node of store.all('nodes')) this.#node(node, false);
    for (const lease of store.all('leases.coordination.k8s.io')) this.#lease(lease);
  }

  stored(key: string, object: Obj, before: Obj | undefined, gone: boolean): void {
    if (key === 'leases.coordination.k8s.io') this.#lease(object);
    if (key === 'nodes') this.#node(object, gone);
    if (key === 'pods' && !gone) this.#pod(object, before);
    if (key === 'nodeops.operator.kairos.io' && before !== undefined && !gone) this.#statuses(object, before);
  }

  get #now(): number {
    return this.#world.time.now;
  }

  #of(uid: string, node: string): Facts {
    const key = `${uid}/${node}`;
    const known = this.#facts.get(key) ?? { pods: new Map(), isJudged: false };
    this.#facts.set(key, known);
    return known;
  }

  #lease({ spec }: Obj): void {
    const holder = String(spec?.['holderIdentity']);
    if (holder === this.#leader) return;
    this.#leader = holder;
    this.#leaderSince = this.#now;
  }

  #node({ metadata: { name = '', uid }, status }: Obj, gone: boolean): void {
    if (gone) this.#goes(name, uid);
    const conditions = (status?.['conditions'] ?? []) as { type: string; status: string }[];
    const isReady = !gone && conditions.some((it) => it.type === 'Ready' && it.status === 'True');
    const { bootID } = (status?.['nodeInfo'] ?? {}) as { bootID?: string };
    if (!isReady) this.#ready.delete(name);
    else if (this.#ready.get(name)?.bootID !== bootID) this.#ready.set(name, { bootID, since: this.#now });
  }

  #goes(name: string, nodeUid: string | undefined): void {
    for (const op of this.#world.cluster().nodeOps()) {
      const facts = this.#facts.get(`${op.metadata.uid}/${name}`);
      if (facts?.commandStarted === undefined || facts.nodeUid !== nodeUid) continue;
      facts.gone ??= { at: this.#now, wasDone: this.#isDone(name, facts, op.spec ?? {}) };
    }
  }

  /** By what the API server was told of the node. */
  #isDone(
    name: string,
    { pods, bootID, commandEnded = Infinity }: Facts,
    spec: Record<string, unknown>,
  ): boolean {
    const { since = 0, bootID: bootNow } = this.#ready.get(name) ?? {};
    const isBack = since > commandEnded && bootNow !== bootID;
    const hasPassed = (kind: Kind) => pods.get(kind)?.succeeded !== undefined;
    return (
      hasPassed('command') &&
      (spec['rebootOnSuccess'] !== true || isBack) &&
      (spec['postflight'] === undefined || hasPassed('postflight'))
    );
  }

  #pod(pod: Obj, before: Obj | undefined): void {
    const uid = pod.metadata.labels?.[LABEL_NODEOP_UID];
    const node = pod.metadata.annotations?.[ANNOTATION_NODE];
    if (uid === undefined || node === undefined) return;
    const { pods, isJudged } = this.#of(uid, node);
    const kind = kindOf(pod);
    const { uid: podUid } = pod.metadata;
    if (before === undefined && !isJudged) pods.set(kind, { uid: podUid, made: this.#now });
    const times = pods.get(kind);
    if (times === undefined || times.uid !== podUid) return;
    const phase = String(pod.status?.['phase']);
    if (phase === 'Running') times.began ??= this.#now;
    if (phase === 'Succeeded') times.succeeded ??= this.#now;
  }

  #statuses(object: Obj, before: Obj): void {
    const was = ((before.status ?? {}) as NodeOpStatus).nodeStatuses ?? {};
    for (const [node, status] of Object.entries(((object.status ?? {}) as NodeOpStatus).nodeStatuses ?? {})) {
      const facts = this.#of(object.metadata.uid ?? '', node);
      facts.isJudged ||= status.ending !== undefined;
      const verdict = verdictOf(status);
      if (verdict === undefined || verdictOf(was[node] ?? { phase: 'Pending' }) !== undefined) continue;
      const at = Date.parse(status.finishedAt ?? '') || this.#now;
      this.#judge(node, { ...verdict, at }, facts, object.spec ?? {});
    }
  }

  #judge(
    node: string,
    { phase, message, at }: { phase: string; message: string; at: number },
    facts: Facts,
    spec: Record<string, unknown>,
  ): void {
    const { broken, cluster, news } = this.#world;
    const began = facts.commandStarted !== undefined;
    if (phase === 'Cancelled' && began) broken(`${node} is Cancelled though its command began`);
    if (began && /^(drain (refused|timed out)|preflight)/.test(message))
      broken(`${node} is judged by what was before its command: ${message}`);
    const uid = cluster().store.get('nodes', node)?.metadata.uid;
    // What is on record late was judged before.
    const judgedAt = Math.min(this.#now, at);
    const { at: goneAt = 0, wasDone = false } = facts.gone ?? {};
    const heardAt = Math.max(goneAt, news.heardOfEnd(node, facts.nodeUid) ?? 0);
    const isTrue = wasDone && judgedAt - heardAt < RECORDED_MS;
    if (phase === 'Completed' && began && uid !== facts.nodeUid && !isTrue)
      broken(`${node} is Completed though another node has its name now`);
    this.#judgeTimes(node, message, facts, spec);
  }

  #judgeTimes(node: string, message: string, facts: Facts, spec: Record<string, unknown>): void {
    const seconds = (name: string) => Number(spec[name]) * 1000;
    if (message.startsWith('not back') && facts.commandEnded !== undefined) {
      const until = facts.commandEnded + seconds('rebootTimeoutSeconds');
      const { since = 0, bootID } = this.#ready.get(node) ?? {};
      const wasAway = facts.rebooted !== undefined && facts.rebooted >= facts.commandEnded;
      // One before the API server was told of the end is none that the agent could have asked for, or counted from.
      const toldAt = facts.pods.get('command')?.succeeded ?? facts.commandEnded;
      const isNew = since > toldAt && bootID !== facts.bootID;
      const done = wasAway && isNew ? since : undefined;
      this.#judgeTime(`not back`, node, { from: facts.commandEnded, until, done });
    }
    for (const kind of ['command', 'preflight', 'reboot', 'postflight'] as const) {
      const times = facts.pods.get(kind);
      if (times === undefined || !message.startsWith(`the ${kind} did not start within`)) continue;
      const until = times.made + seconds('startTimeoutSeconds') - AHEAD_MS;
      this.#judgeTime(message, node, { from: times.made, until, done: times.began });
    }
    for (const kind of ['preflight', 'postflight'] as const) {
      const times = facts.pods.get(kind);
      const isMeant =
        message.startsWith(`${kind} pod `) && message.includes('did not end within its deadline');
      if (times === undefined || !isMeant) continue;
      const { activeDeadlineSeconds = 0 } = (spec[kind] ?? {}) as { activeDeadlineSeconds?: number };
      const until = times.made + activeDeadlineSeconds * 1000 + GRACE_MS - AHEAD_MS;
      this.#judgeTime(message, node, { from: times.made, until, done: times.succeeded });
    }
  }

  /** @param from no earlier than the agent's own count, `done` when what was waited for was to be seen */
  #judgeTime(
    what: string,
    node: string,
    { from, until, done }: { from: number; until: number; done: number | undefined },
  ): void {
    if (this.isTimeSet) return;
    const { broken } = this.#world;
    if (done !== undefined && done < until - SKEW_MS && done < this.#now)
      broken(`${node} failed by a time-out that it kept: ${what}`);
    if (this.#leaderSince < from && this.#now < until)
      broken(`${node} failed before its time was over: ${what}`);
  }
}

/** The verdict on a node, from when it stands. */
function verdictOf({
  phase,
  message = '',
  ending,
}: NodeStatus): { phase: string; message: string } | undefined {
  // One that holds only if the command has not begun is none yet.
  if (ending !== undefined) return ending.unbegun === true ? undefined : ending;
  return ['Completed', 'Failed', 'Cancelled'].includes(phase) ? { phase, message } : undefined;
}
