import { deepStrictEqual } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { NodeOpSpec, NodeOpStatus } from '../../src/api/nodeop.ts';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { type Answer, type CheckFacts, NO_CHECKS, type Try, tryKey } from '../../src/core/checks/try.ts';
import { type Action, actionKey } from '../../src/core/rollout/actions.ts';
import { decide } from '../../src/core/rollout/decide.ts';
import type { Decision } from '../../src/core/rollout/decision.ts';
import { Memory } from '../../src/core/rollout/memory.ts';
import {
  type NodeFacts,
  ownerMark,
  type PodFacts,
  type Refusal,
  type RolloutFacts,
  type WorkFacts,
} from '../../src/core/rollout/facts.ts';

/** How a node of the simulated world behaves. */
export interface NodeScript {
  preflight?: 'skip' | 'proceed' | 'fail';
  command?: 'succeed' | 'fail';
  /** Log of a command that fails. */
  said?: string;
  reboots?: boolean | 'never back';
  postflight?: 'pass' | 'fail' | 'never';
  /** Milliseconds everything takes there. */
  ms?: number;
  cordonedByOthers?: boolean;
  labels?: Record<string, string>;
  ready?: boolean;
  /** How long the command's container takes to begin, in milliseconds. */
  startsAfter?: number | 'never' | 'no pod';
  /** How long the command goes on after it was asked to end, in milliseconds. */
  grace?: number;
  /** The API server refuses the Job. */
  refused?: boolean;
  /** Preflight and reboot pods stay as they are made: their kubelet says `ContainerCreating` and no more. */
  helpersWait?: boolean;
  /** What Events warn of there, for whoever asks. */
  warning?: string;
}

const OP = { namespace: 'ops', name: 'flash', uid: 'uid-1' };
export const MARK = ownerMark(OP);

/** The objects a watch tells of, each on its own. */
const SLOTS = ['job', 'attempts', 'preflight', 'reboot', 'postflight'] as const;
type Slot = (typeof SLOTS)[number];
type Watched = 'node' | Slot;

/** How long until what was refused is asked for again. */
const RETRY_MS = 60_000;

const CONTAINER = { exitCode: undefined, reason: undefined, message: undefined, deleting: false };

/**
 * A cluster reduced to what decisions see. Actions take effect after a while; the "API server" keeps
 * what was created by name, so creating twice is told apart from once.
 */
export class World {
  now = Date.parse('2030-01-01T00:00:00Z');
  readonly spec: NodeOpSpec;
  readonly nodes = new Map<string, NodeFacts>();
  readonly work = new Map<string, WorkFacts>();
  readonly commandRuns = new Map<string, number>();
  readonly reboots = new Map<string, number>();
  readonly postflights = new Map<string, number>();
  readonly log: string[] = [];
  status: NodeOpStatus = {};
  persisted: NodeOpStatus = {};
  found: NodeOpStatus = {};
  checks: CheckFacts = NO_CHECKS;
  /** How the tries of checks end, one after the other; well when none is left. */
  readonly tries: Answer[] = [];
  /** Those that were ever begun. */
  readonly triesBegun = new Set<string>();
  adopted = false;
  cancelled: string | undefined;
  deleted = false;
  agentNode: string | undefined;
  window: string | undefined;
  placeHeld: string | undefined;
  troubles: ReadonlyMap<string, string> = new Map();
  refusedSince: number | undefined;
  readonly refusals = new Map<string, Refusal>();
  /** What the API server refuses for good, and in which words; it is asked again every minute. */
  refuses: ((action: Action) => string | undefined) | undefined;
  busy: ReadonlySet<string> = new Set();
  lookAgainAt: number | undefined;
  readonly events: { at: number; run: () => void }[] = [];
  private readonly scripts: ReadonlyMap<string, NodeScript>;
  /** What the agent's caches hold, when they may be behind. */
  private seen: { nodes: Map<string, NodeFacts>; work: Map<string, WorkFacts> } | undefined;
  private rehearsal: RolloutFacts['rehearsal'];
  /** What the API server answers to a rehearsal. */
  rehearse: (now: number) => RolloutFacts['rehearsal'] = () => ({ kind: 'accepted' });
  private told = false;
  /** What a kubelet does once it is up again. */
  private readonly whenBack = new Map<string, (() => void)[]>();
  private cancelledAt: number | undefined;
  /** Makes UIDs. */
  private made = 0;
  private readonly began = this.now;
  private readonly follower = new Follower(this.refusals);

  constructor(spec: object, scripts: Record<string, NodeScript>) {
    this.spec = NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'], ...spec });
    this.scripts = new Map(Object.entries(scripts));
    for (const [name, script] of this.scripts) {
      this.nodes.set(name, {
        name,
        uid: `${name}-uid`,
        labels: { zone: `zone-${name.length % 2}`, ...script.labels },
        ready: script.ready ?? true,
        readySince: this.now - 3_600_000,
        unschedulable: script.cordonedByOthers === true,
        cordonedBy: undefined,
        bootID: `${name}-boot-0`,
      });
    }
  }

  facts(): RolloutFacts {
    return {
      ...OP,
      wall: this.now,
      generation: 1,
      spec: this.spec,
      specChanged: false,
      adopted: this.adopted,
      finalized: this.adopted,
      hold: undefined,
      placeHeld: this.placeHeld,
      awaitsRecordSince: undefined,
      obstacle: undefined,
      cancelled: this.cancelled,
      cancelledAt: this.cancelled === undefined ? undefined : (this.cancelledAt ??= this.now),
      deleted: this.deleted,
      window: this.window,
      status: this.status,
      persisted: this.persisted,
      found: this.found,
      checks: this.checks,
      nodes: new Map(this.seen?.nodes ?? this.nodes),
      work: new Map(this.seen?.work ?? this.work),
      claims: new Map(),
      heirs: new Map(),
      rehearsal: this.rehearsal,
      troubles: this.troubles,
      refusedSince: () => this.refusedSince,
      refusal: (key) => this.refusals.get(key),
      mayComeUntil: () => undefined,
      busy: this.busy,
      agentNode: this.agentNode,
      agentPod: undefined,
    };
  }

  /** From now on the caches learn of changes only by `deliver` and by the answers to what the agent writes. */
  lag(): void {
    this.seen = { nodes: new Map(this.nodes), work: new Map(this.work) };
  }

  /** The watches tell of some objects: in any order, again, or of several changes at once. */
  deliver(which: (node: string, object: Watched) => boolean): void {
    if (!this.hasNews) return;
    for (const name of this.nodes.keys()) {
      if (which(name, 'node')) this.see(name, 'node');
      for (const slot of SLOTS) if (which(name, slot)) this.see(name, slot);
    }
  }

  /** Whether the caches have learned something since the last look, or have something to learn yet. */
  get hasNews(): boolean {
    const { seen } = this;
    if (seen === undefined) return false;
    if (this.told) return true;
    return [...this.nodes].some(([name, node]) => {
      const [is, was] = [this.work.get(name) ?? {}, seen.work.get(name) ?? {}];
      const same = SLOTS.every((slot) => is[slot] === was[slot]);
      return seen.nodes.get(name) !== node || !same;
    });
  }

  private see(name: string, object: Watched): void {
    const { seen } = this;
    this.told = true;
    const node = this.nodes.get(name);
    if (seen === undefined) return;
    if (object === 'node') {
      if (node) seen.nodes.set(name, node);
      return;
    }
    const { [object]: _, ...rest } = seen.work.get(name) ?? {};
    const { [object]: truth, commandBegan } = this.work.get(name) ?? {};
    const began = object === 'attempts' && commandBegan === true ? { commandBegan } : {};
    const jobSeen = object === 'job' && truth !== undefined ? { jobSeen: true } : {};
    seen.work.set(name, {
      ...rest,
      ...began,
      ...jobSeen,
      ...(truth === undefined ? {} : { [object]: truth }),
    });
  }

  /** One look: decide, note the news, carry out the actions. */
  pass(): Decision {
    this.told = false;
    const facts = this.facts();
    const decision = this.isLarge
      ? this.follower.look(facts, this.now)
      : this.follower.expectSame(facts, this.now, decide(facts, this.now));
    this.note(decision);
    this.status = decision.status;
    this.lookAgainAt = decision.lookAgainAt;
    this.carryOut(decision.actions);
    return decision;
  }

  carryOut(actions: readonly Action[]): void {
    for (const action of actions) this.perform(action);
  }

  persist(): void {
    this.follower.memory.share();
    this.persisted = this.isLarge ? this.status : structuredClone(this.status);
  }

  /** Thousands of nodes are looked at with a memory alone, as the agent does. */
  private get isLarge(): boolean {
    return this.nodes.size > FOLLOWED;
  }

  /** The agent is killed and starts again: only what the cluster holds is left. */
  restart(): void {
    this.status = structuredClone(this.persisted);
    this.found = this.status;
    this.checks = { ...NO_CHECKS, pods: this.checks.pods, seen: new Set(this.checks.pods.keys()) };
    this.rehearsal = undefined;
    for (const [node, work] of this.work) {
      const { drain: _, confirmedAt: __, jobSeen: ___, commandBegan, attempts = [], ...rest } = work;
      // What was seen of a pod that is gone is forgotten.
      const began = commandBegan === true && attempts.some(({ started }) => started);
      const seen = rest.job === undefined ? {} : { jobSeen: true };
      this.work.set(node, { ...rest, attempts, ...seen, ...(began ? { commandBegan } : {}) });
    }
    if (this.seen) this.lag();
    // Whoever starts looks at everything once.
    this.told = true;
  }

  /** Moves time to the next thing that happens; false when nothing ever will. */
  advance(): boolean {
    this.events.sort((a, b) => a.at - b.at);
    const next = this.events[0];
    const times = [next?.at, this.lookAgainAt].filter((at) => at !== undefined && at > this.now);
    if (times.length === 0 && next === undefined) return false;
    this.now = Math.max(this.now, Math.min(...(times as number[]), next?.at ?? Infinity));
    while (this.events[0] && this.events[0].at <= this.now) this.events.shift()?.run();
    return true;
  }

  change(node: string, facts: Partial<NodeFacts>): void {
    const known = this.nodes.get(node);
    if (known) this.nodes.set(node, { ...known, ...facts });
    if (facts.ready !== true) return;
    for (const run of this.whenBack.get(node) ?? []) run();
    this.whenBack.delete(node);
  }

  /** Something happens from outside after so many milliseconds. */
  later(ms: number, run: () => void): void {
    this.events.push({ at: this.now + ms, run });
  }

  /** The time of whatever is done on that node has passed. */
  private whenDone(node: string, run: () => void): void {
    this.later(this.scripts.get(node)?.ms ?? 1000, run);
  }

  private set(node: string, work: WorkFacts): void {
    this.work.set(node, { ...this.work.get(node), ...work });
  }

  /** A request is answered after a second; the pod of a command runs for as long. */
  private ask(it: Try): void {
    const key = tryKey(it);
    if (this.triesBegun.has(key)) return;
    this.triesBegun.add(key);
    const answer = this.tries.shift() ?? { passed: true, seen: 'as expected' };
    const { checks = [] } = this.spec.steps?.[it.step] ?? {};
    if (checks[it.check]?.command === undefined) return this.later(1000, () => this.answer(key, answer));
    const pod = this.pod(`check-${key}`, 'running');
    this.checks = {
      ...this.checks,
      pods: new Map([...this.checks.pods, [key, pod]]),
      seen: new Set([...this.checks.seen, key]),
    };
    this.later(1000, () => {
      const known = this.checks.pods.get(key);
      const ended = answer.passed
        ? ({ state: 'succeeded', exitCode: 0 } as const)
        : ({ state: 'failed', exitCode: 1, message: answer.seen } as const);
      if (known !== undefined)
        this.checks = { ...this.checks, pods: new Map([...this.checks.pods, [key, { ...known, ...ended }]]) };
    });
  }

  private answer(key: string, answer: Answer): void {
    this.checks = { ...this.checks, answers: new Map([...this.checks.answers, [key, answer]]) };
  }

  private endTry(key: string): void {
    const pods = new Map(this.checks.pods);
    pods.delete(key);
    this.checks = { ...this.checks, pods };
  }

  private lookUpTry(key: string): void {
    const { pods, gone, readAt } = this.checks;
    this.checks = {
      ...this.checks,
      readAt: new Map([...readAt, [key, this.now]]),
      gone: pods.has(key) ? gone : new Set([...gone, key]),
    };
  }

  /** It was refused, and is not asked for again yet. */
  private waits(action: Action): boolean {
    const before = this.refuses && this.refusals.get(actionKey(action));
    return before !== undefined && this.now < before.at + RETRY_MS && this.refuses?.(action) !== undefined;
  }

  /** Whether the action is refused, now or since less than a minute ago. */
  private isRefused(action: Action): boolean {
    const key = actionKey(action);
    const why = this.refuses?.(action);
    const before = this.refusals.get(key);
    if (why === undefined) {
      if (this.refuses !== undefined) this.refusals.delete(key);
      return false;
    }
    if (this.waits(action)) return true;
    this.refusals.set(key, { since: before?.since ?? this.now, at: this.now, why });
    this.later(RETRY_MS, () => {});
    return true;
  }

  private perform(action: Action): void {
    if (this.isRefused(action)) return;
    if (action.type === 'adopt') this.adopted = true;
    if (action.type === 'release') this.adopted = false;
    if (action.type === 'ask-check') return this.ask(action);
    if (action.type === 'delete-check-pod') return this.endTry(tryKey(action));
    if (action.type === 'look-up-check') return this.lookUpTry(tryKey(action));
    if (!('node' in action)) return;
    const { node } = action;
    const script = this.scripts.get(node) ?? {};
    switch (action.type) {
      case 'rehearse':
        this.rehearsal = this.rehearse(this.now);
        return;
      case 'hand-over':
        this.change(node, { cordonedBy: action.to });
        return;
      case 'cordon':
      case 'uncordon':
        return this.patchNode(node, action.type);
      case 'create-preflight':
        this.createPreflight(node, script);
        return this.see(node, 'preflight');
      case 'delete-job':
        return this.deleteJob(node, action.uid);
      case 'delete-pod':
        return this.deletePod(node, action.uid);
      case 'confirm':
        this.set(node, {
          confirmedAt: this.now,
          ...(script.warning !== undefined && { warning: script.warning }),
        });
        for (const object of ['node', ...SLOTS] as const) this.see(node, object);
        if (this.seen) this.seen.work.set(node, { ...this.seen.work.get(node), confirmedAt: this.now });
        return;
      case 'watch-pods': {
        const drain = { pods: [], latecomers: new Set<string>(), daemonSets: new Map(), answers: new Map() };
        this.set(node, { drain });
        if (this.seen) this.seen.work.set(node, { ...this.seen.work.get(node), drain });
        return;
      }
      case 'create-job':
        this.createJob(node, script);
        return this.see(node, 'job');
      case 'create-reboot':
        this.createReboot(node, script, action.bootID);
        return this.see(node, 'reboot');
      case 'create-postflight':
        this.createPostflight(node, script);
        return this.see(node, 'postflight');
      case 'look-up-job':
        if (this.work.get(node)?.job === undefined) this.set(node, { job: 'gone' });
        return this.see(node, 'job');
      case 'evict':
        return;
    }
  }

  /** Guarded by the version of the node in the cache: when that is behind, nothing but the cache changes. */
  private patchNode(node: string, type: 'cordon' | 'uncordon'): void {
    const truth = this.nodes.get(node);
    const behind = this.seen !== undefined && this.seen.nodes.get(node) !== truth;
    if (!behind && type === 'cordon' && truth?.unschedulable === false)
      this.change(node, { unschedulable: true, cordonedBy: MARK });
    if (!behind && type === 'uncordon' && truth?.cordonedBy === MARK)
      this.change(node, { unschedulable: false, cordonedBy: undefined });
    this.see(node, 'node');
  }

  private pod(name: string, state: PodFacts['state']): PodFacts {
    this.made += 1;
    const started = state !== 'waiting';
    return { ...CONTAINER, name, uid: `uid-${this.made}`, createdAt: this.now, state, started };
  }

  /** What there is of that pod by now, if it is there still. */
  private podOf(node: string, uid: string): PodFacts | undefined {
    const { attempts = [], preflight, reboot, postflight } = this.work.get(node) ?? {};
    return [...attempts, preflight, reboot, postflight].find((pod) => pod?.uid === uid);
  }

  /** The kubelet tells something of a pod. */
  private tell(node: string, uid: string, facts: Partial<PodFacts>): void {
    const { attempts = [], preflight, reboot, postflight } = this.work.get(node) ?? {};
    if (preflight?.uid === uid) this.set(node, { preflight: { ...preflight, ...facts } });
    if (reboot?.uid === uid) this.set(node, { reboot: { ...reboot, ...facts } });
    if (postflight?.uid === uid) this.set(node, { postflight: { ...postflight, ...facts } });
    if (!attempts.some((pod) => pod.uid === uid)) return;
    this.set(node, {
      attempts: attempts.map((pod) => (pod.uid === uid ? { ...pod, ...facts } : pod)),
      ...(facts.started === true ? { commandBegan: true } : {}),
    });
    this.countPods(node);
  }

  /** The newest pod of a Job as its facts have it. */
  private countPods(node: string): void {
    const { job, attempts } = this.work.get(node) ?? {};
    if (typeof job === 'object') this.set(node, { job: { ...job, pod: attempts?.at(-1) } });
  }

  /** A Job that was asked for before, and refused or unanswered, is created after all. */
  land(node: string): void {
    this.createJob(node, { ...this.scripts.get(node), refused: false });
  }

  private deletePod(node: string, uid: string): void {
    const pod = this.podOf(node, uid);
    if (pod === undefined) return;
    this.tell(node, uid, { deleting: true });
    if (pod.state === 'succeeded' || pod.state === 'failed') return this.removePod(node, uid);
    const goOn = pod.started ? (this.scripts.get(node)?.grace ?? 10) : 1;
    this.later(goOn, () => this.endPod(node, uid));
  }

  /** A kubelet that is down ends nothing; it does when it is back. */
  private endPod(node: string, uid: string): void {
    if (this.nodes.get(node)?.ready !== false) return this.removePod(node, uid);
    const waits = this.whenBack.get(node) ?? [];
    this.whenBack.set(node, [...waits, () => this.removePod(node, uid)]);
  }

  private removePod(node: string, uid: string): void {
    const { attempts = [], preflight, reboot, postflight, ...rest } = this.work.get(node) ?? {};
    this.work.set(node, {
      ...rest,
      attempts: attempts.filter((pod) => pod.uid !== uid),
      ...(preflight === undefined || preflight.uid === uid ? {} : { preflight }),
      ...(reboot === undefined || reboot.uid === uid ? {} : { reboot }),
      ...(postflight === undefined || postflight.uid === uid ? {} : { postflight }),
    });
  }

  private deleteJob(node: string, uid: string): void {
    const { job, ...rest } = this.work.get(node) ?? {};
    if (typeof job !== 'object' || job.uid !== uid) return;
    this.work.set(node, rest);
    this.see(node, 'job');
    this.later(1, () => {
      for (const pod of this.work.get(node)?.attempts ?? []) this.deletePod(node, pod.uid);
    });
  }

  private createPreflight(node: string, script: NodeScript): void {
    if (this.work.get(node)?.preflight) return;
    const pod = this.pod(`${node}-preflight`, script.helpersWait === true ? 'waiting' : 'running');
    this.set(node, { preflight: pod });
    if (script.helpersWait === true) return;
    this.whenDone(node, () => {
      const message = script.preflight === 'skip' ? 'already done' : undefined;
      const failed = { state: 'failed', exitCode: 2, message: 'cannot tell' } as const;
      const ended =
        script.preflight === 'fail' ? failed : ({ state: 'succeeded', exitCode: 0, message } as const);
      if (this.podOf(node, pod.uid)?.deleting === false) this.tell(node, pod.uid, ended);
    });
  }

  private createPostflight(node: string, script: NodeScript): void {
    if (this.work.get(node)?.postflight) return;
    this.postflights.set(node, (this.postflights.get(node) ?? 0) + 1);
    const pod = this.pod(`${node}-postflight`, 'running');
    this.set(node, { postflight: pod });
    if (script.postflight === 'never') return;
    this.whenDone(node, () => {
      const failed = { state: 'failed', exitCode: 3, message: 'service is down' } as const;
      const ended = script.postflight === 'fail' ? failed : ({ state: 'succeeded', exitCode: 0 } as const);
      if (this.podOf(node, pod.uid)?.deleting === false) this.tell(node, pod.uid, ended);
    });
  }

  private createJob(node: string, script: NodeScript): void {
    if (this.work.get(node)?.job || script.refused === true) return;
    this.made += 1;
    const named = { name: `flash-${node}`, uid: `uid-${this.made}`, createdAt: this.now, deleting: false };
    const job = { ...named, attempts: 1, reason: undefined, message: undefined, state: 'active' } as const;
    const { startsAfter = 0 } = script;
    if (startsAfter === 'no pod') return this.set(node, { job: { ...job, pod: undefined }, jobSeen: true });
    const pod = this.pod(`${node}-pod`, 'waiting');
    this.set(node, {
      job: { ...job, pod },
      jobSeen: true,
      attempts: [{ ...pod, reason: 'ImagePullBackOff' }],
    });
    if (startsAfter === 'never') return this.countPods(node);
    const start = () => {
      if (this.podOf(node, pod.uid)?.deleting !== false) return;
      this.commandRuns.set(node, (this.commandRuns.get(node) ?? 0) + 1);
      this.tell(node, pod.uid, { state: 'running', started: true, reason: undefined });
      this.whenDone(node, () => this.endCommand(node, pod.uid, script));
    };
    if (startsAfter === 0) start();
    else this.later(startsAfter, start);
  }

  private endCommand(node: string, uid: string, script: NodeScript): void {
    const { job } = this.work.get(node) ?? {};
    if (this.podOf(node, uid)?.state !== 'running') return;
    const failed = {
      state: 'failed',
      exitCode: 7,
      reason: 'Error',
      message: script.said ?? 'no space',
    } as const;
    const ended = script.command === 'fail' ? failed : ({ state: 'succeeded', exitCode: 0 } as const);
    this.tell(node, uid, ended);
    if (typeof job === 'object') this.set(node, { job: { ...job, state: ended.state } });
    this.countPods(node);
  }

  private createReboot(node: string, script: NodeScript, bootID: string): void {
    if (this.work.get(node)?.reboot) return;
    if (script.helpersWait === true) {
      const pod = { ...this.pod(`${node}-reboot`, 'waiting'), reason: 'ContainerCreating' };
      return this.set(node, { reboot: pod });
    }
    this.set(node, { reboot: { ...this.pod(`${node}-reboot`, 'succeeded'), exitCode: 0 } });
    // The pod itself asks for no reboot when the node is not in the boot it was made for.
    if (script.reboots === false || this.nodes.get(node)?.bootID !== bootID) return;
    const count = (this.reboots.get(node) ?? 0) + 1;
    this.reboots.set(node, count);
    this.change(node, { ready: false, readySince: this.now });
    if (script.reboots === 'never back') return;
    this.whenDone(node, () =>
      this.change(node, { ready: true, readySince: this.now, bootID: `${node}-boot-${count}` }),
    );
  }

  private note({ actions, status, changed }: Decision): void {
    const time = `${((this.now - this.began) / 1000).toFixed(0).padStart(4)} s`;
    for (const action of actions) {
      // It is asked for until it is answered.
      if ((action.type === 'ask-check' && this.triesBegun.has(tryKey(action))) || this.waits(action))
        continue;
      const where = 'node' in action ? ` ${action.node}` : '';
      this.log.push(`${time}  do ${action.type}${where}: ${action.reason}`);
    }
    const nodes = this.isLarge && changed ? changed.keys() : Object.keys(status.nodeStatuses ?? {});
    for (const node of nodes) {
      const before = (changed?.get(node) ?? this.status.nodeStatuses?.[node])?.phase;
      const now = status.nodeStatuses?.[node];
      if (now === undefined || before === now.phase) continue;
      this.log.push(`${time}  ${node} is ${now.phase}${now.message === undefined ? '' : `: ${now.message}`}`);
    }
    for (const [i, { name, phase, message }] of (status.steps ?? []).entries()) {
      const before = this.status.steps?.[i];
      if (before?.phase === phase && before.message === message) continue;
      this.log.push(`${time}  step ${name} is ${phase}${message === undefined ? '' : `: ${message}`}`);
    }
    if (status.phase !== this.status.phase) this.log.push(`${time}  the rollout is ${status.phase}`);
  }
}

/** What is looked at twice is small: thousands of nodes take their time. */
const FOLLOWED = 40;

/**
 * Looks with a memory at what changed alone, beside each look at everything: both have to decide the same. Whatever runs in a
 * world holds that.
 */
class Follower {
  /** No look at everything hides what it has missed. */
  readonly memory = new Memory(Infinity);
  private readonly known = new Map<string, unknown[]>();
  private status: NodeOpStatus = {};
  private readonly refusals: ReadonlyMap<string, Refusal>;

  constructor(refusals: ReadonlyMap<string, Refusal>) {
    this.refusals = refusals;
  }

  look(facts: RolloutFacts, now: number): Decision {
    this.touch(facts);
    return decide(facts, now, this.memory);
  }

  expectSame(facts: RolloutFacts, now: number, decision: Decision): Decision {
    // Somebody has put another status in its place: a restart, or a test.
    if (!isDeepStrictEqual(this.status, facts.status)) this.status = structuredClone(facts.status);
    const before = { ...this.status.nodeStatuses };
    const remembered = this.look({ ...facts, status: this.status }, now);
    this.status = remembered.status;
    const [told, expected] = [remembered, decision].map(({ actions, status, lookAgainAt }) => {
      // In any order: what is said again comes before what is new.
      return { actions: actions.map((action) => JSON.stringify(action)).toSorted(), status, lookAgainAt };
    });
    deepStrictEqual(told, expected);
    if (remembered.changed === undefined) return decision;
    const changed = Object.entries(before).filter(([node, was]) => this.status.nodeStatuses?.[node] !== was);
    deepStrictEqual(Object.fromEntries(remembered.changed), Object.fromEntries(changed));
    return decision;
  }

  /** Touches the nodes of which some fact is another one. */
  private touch(facts: RolloutFacts): void {
    const keys = [...facts.busy, ...[...facts.troubles].flat()].join();
    for (const node of new Set([...facts.nodes.keys(), ...this.known.keys()])) {
      const entry = facts.persisted.nodeStatuses?.[node];
      const refusals = [...this.refusals].filter(([key]) => key.split('/')[1] === node);
      const isFew = facts.nodes.size <= FOLLOWED;
      const record = isFew ? JSON.stringify([entry, ...refusals]) : entry;
      const now = [facts.nodes.get(node), facts.work.get(node), record, keys];
      if (this.known.get(node)?.every((it, i) => it === now[i]) === true) continue;
      this.known.set(node, now);
      this.memory.touch(node);
    }
  }
}

/** Runs a world to its end, writing the status after every look. */
export function runToEnd(world: World, each: (world: World) => void = () => {}): void {
  for (let i = 0; i < 10_000; i += 1) {
    const { status } = world;
    const before = world.log.length;
    const decided = world.pass();
    each(world);
    world.persist();
    // What has come on record is looked at.
    const hasNews = decided.status !== status || world.log.length > before || world.hasNews;
    if (!hasNews && !world.advance()) return;
  }
  throw new Error(`no end in sight:\n${world.log.slice(-20).join('\n')}`);
}
