import type { Logger } from '../../../src/agent/logger.ts';
import { isFinalReport } from '../../../src/api/report.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import type { ApiRequest, ApiResponse } from '../../../src/sim/api/request.ts';
import { Cluster, NAMESPACE } from './cluster.ts';
import { Faults } from './faults.ts';
import { Fleet } from './fleet.ts';
import { Moments } from './moments.ts';
import { Oracles } from './oracles.ts';
import { Reports } from './oracles/reports.ts';
import { People } from './people.ts';
import type { Event, OpPlan, Plan } from './plan.ts';
import { LEASE_MS } from './process.ts';
import { Replicas } from './replicas.ts';
import { Repository } from './repository.ts';
import { Random } from './random.ts';
import { Services } from './services.ts';
import { VirtualTime } from './time.ts';
import type { Wire } from './transport.ts';

/** After the last fault everything ends within its time-outs, which are minutes each. */
const SETTLE_MS = 3 * 3_600_000;
/** People wait no longer than this for something to end. */
const IMPATIENT_MS = 30 * 60_000;

export interface Outcome {
  violations: readonly string[];
  faults: ReadonlyMap<string, number>;
  /** Of virtual time. */
  ms: number;
  steps: number;
  /** How everything stands in the end, without what may differ by the time that it took. */
  end: string;
  /** Of the agents, but for leases and events. */
  writes: number;
  log: readonly string[];
}

/** One history of one cluster from its plan: the same plan gives the same history. */
export class History {
  readonly time = new VirtualTime();
  readonly log: string[] = [];
  readonly cluster: Cluster;
  readonly #plan: Plan;
  readonly #began = this.time.now;
  readonly #faults: Faults;
  readonly #oracles: Oracles;
  readonly #fleet: Fleet;
  readonly #moments = new Moments();
  readonly #wire: Wire;
  readonly #replicas: Replicas;
  readonly #people: People;
  readonly #repository: Repository | undefined;
  readonly #reports: Reports | undefined;
  readonly #endsBroken: boolean;
  #hasGivenUp = false;
  /** When the last event that has begun is over. */
  #troubleUntil = 0;

  /** @param endsBroken whether it ends with the first promise that is broken */
  constructor(plan: Plan, { endsBroken = false }: { endsBroken?: boolean } = {}) {
    const { time } = this;
    const random = new Random(plan.seed ^ 0x5eed);
    const note = (what: string) => this.#note(what);
    this.#endsBroken = endsBroken;
    this.#plan = plan;
    this.#repository = plan.repository ? new Repository(time) : undefined;
    time.real = plan.repository;
    this.#faults = new Faults(time, random.fork());
    const faults = this.#faults;
    this.#oracles = new Oracles(() => this.cluster, time, faults);
    const oracles = this.#oracles;
    for (const { name, window } of plan.ops) if (window !== undefined) oracles.expectWindow(name, window);
    this.#fleet = new Fleet(plan.nodes, { time, random, faults, oracles, cluster: () => this.cluster });
    this.cluster = this.#build(random);
    this.#wire = {
      endings: [],
      time,
      serve: (request, response) =>
        isEvent(request) ? taken(response) : this.cluster.server.serve(request, response),
      fate: (method, path, body, by) => {
        const fate = this.#replicas.fate(method, path, body, by) ?? faults.fate(method, path);
        // A server that did not make it in time once is asked without a bound.
        const isUnbounded = this.#hasGivenUp && !path.includes('timeout=');
        if (fate.there > LEASE_MS && isUnbounded && /\/(jobs|pods)$/.test(path))
          oracles.late.add(nameIn(body));
        return this.#replicas.sent(method, path, by, fate);
      },
      onGivenUp: () => (this.#hasGivenUp = true),
      watchFate: faults.watchFate,
      watches: new Set(),
      onWrite: (method, path, code) => {
        if (!path.includes('/leases') && !path.includes('/events')) note(`${method} ${path} ${code}`);
      },
    };
    const services = new Services(random.fork(), oracles.checkPasses);
    const replicas = plan.repository ? 2 : (plan.replicas ?? 2);
    this.#replicas = new Replicas(replicas, {
      time,
      faults,
      random,
      note,
      wire: this.#wire,
      asker: (clock) => services.asker(clock),
      logger: (i) => this.#logger(i),
      config: (i) => this.#repository?.config(i),
      holder: () => this.#holder(),
      broken: (what) => oracles.broken(what),
    });
    this.#people = new People({ time, cluster: this.cluster, oracles, repository: this.#repository, note });
    oracles.watch();
    this.#reports =
      this.#repository &&
      new Reports({
        cluster: this.cluster,
        repository: this.#repository,
        broken: (what) => oracles.broken(what),
        plan,
      });
    this.cluster.store.watchAll((key, { object, before, type }) => {
      if (type !== 'DELETED') this.#moments.stored(key, object, before);
    });
  }

  #build(random: Random): Cluster {
    return new Cluster({
      time: this.time,
      random,
      told: {
        containerStarts: (node, kind, pod) => {
          this.#note(`${node} starts ${kind} ${pod.metadata.name}`);
          this.#oracles.containerStarts(node, kind, pod);
          if (kind === 'command') this.#fleet.visit(node);
          if (kind !== 'workload') this.#moments.seen(`${kind} starts`);
        },
        containerEnds: (node, kind, pod, exitCode) => {
          this.#note(`${node} ends ${kind} ${pod.metadata.name} ${exitCode ?? 'without a word'}`);
          this.#oracles.containerEnds(node, kind, pod, exitCode);
          if (kind !== 'workload' && kind !== 'reboot') this.#moments.seen(`${kind} ends`);
        },
        asked: (node, pod) => this.#oracles.asked(node, pod),
        rebooted: (node) => {
          this.#note(`${node} reboots`);
          this.#oracles.rebooted(node);
          this.#moments.seen('node reboots');
        },
      },
      behave: (pod, kind, node) => this.#fleet.behave(pod, kind, node),
    });
  }

  async run(): Promise<Outcome> {
    const { time } = this;
    const { ops, events } = this.#plan;
    this.#fleet.start();
    this.#replicas.start();
    for (const op of ops) if (op.next !== true) time.after(op.at, () => this.#people.ask(op));
    for (const event of events) this.#expect(event);
    const end = this.#began + Math.max(...ops.map(({ at, next }) => (next === true ? 0 : at))) + 60_000;
    await time.run(end, () => this.#isBroken);
    await time.run(end + SETTLE_MS, () => this.#isBroken || (this.#isQuiet() && this.#isOver()));
    for (const op of ops) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      if (op.next === true) await this.#askNext(op);
    }
    this.#replicas.startAll();
    await time.run(time.now + SETTLE_MS, () => this.#isBroken || this.#isOver());
    await time.run(time.now + 60_000, () => this.#isBroken);
    if (!this.#isBroken) this.#oracles.atEnd(this.#plan.wayBack);
    if (!this.#isBroken) this.#reports?.atEnd(ops.map(({ name }) => name));
    this.#replicas.killAll();
    this.#repository?.[Symbol.dispose]();
    const { violations } = this.#oracles;
    const outcome = {
      violations,
      faults: this.#faults.counts,
      ms: time.now - this.#began,
      steps: time.steps,
      end: this.#oracles.end(),
      writes: this.#replicas.writes,
      log: [...this.log],
    };
    for (const tell of this.#wire.endings ?? []) tell();
    return outcome;
  }

  get #isBroken(): boolean {
    return this.#endsBroken && this.#oracles.violations.length > 0;
  }

  /** What does not end by itself is deleted by somebody at some time. */
  async #askNext(op: OpPlan): Promise<void> {
    const { time } = this;
    time.after(op.at, () => this.#people.ask(op));
    const isDone = () => this.#isBroken || this.#isOver();
    await time.run(time.now + op.at + 1_000);
    if (await time.run(time.now + IMPATIENT_MS, isDone)) return;
    const event = { at: 0, kind: 'people', what: 'delete', on: op.name, ms: 0 } as const;
    this.#happen(event);
    await time.run(time.now + SETTLE_MS, isDone);
  }

  #expect(event: Event): void {
    const { at, after } = event;
    if (after) return this.#moments.when(after, () => this.time.after(at, () => this.#happen(event)));
    // What is bound to a time is waited for; a moment may never come.
    this.#lasts(at);
    this.time.after(at, () => this.#happen(event));
  }

  #happen(event: Event): void {
    this.#note(`* ${JSON.stringify(event)}`);
    this.time.activity += 1;
    if ('ms' in event) this.#lasts(event.ms);
    switch (event.kind) {
      case 'kill':
      case 'stop':
      case 'pause':
      case 'write':
        return this.#replicas.happen(event);
      case 'clock':
        this.#oracles.isTimeSet = true;
        return this.#replicas.happen(event);
      case 'api':
        return this.#faults.api(event.what, event.ms, event.share);
      case 'git':
        this.#faults.count(`git: ${event.what}`);
        return this.#repository?.fault(event.what, event.ms, event.replica);
      case 'watches':
        if (event.what === 'expired') this.cluster.store.compact();
        return this.#faults.watches(event, this.#wire.watches);
      case 'node':
        return this.#fleet.happen(event);
      case 'people':
        this.#faults.count(`people: ${event.what}`);
        return this.#people.happen(event);
    }
  }

  #lasts(ms: number): void {
    this.#troubleUntil = Math.max(this.#troubleUntil, this.time.now + ms + 1_000);
  }

  #isQuiet(): boolean {
    return this.time.now > this.#troubleUntil;
  }

  #holder(): string {
    const lease = this.cluster.store.get('leases.coordination.k8s.io', 'nodeop-agent', NAMESPACE);
    const holder = lease?.spec?.['holderIdentity'];
    return typeof holder === 'string' ? holder : '';
  }

  #isOver(): boolean {
    if (!this.#plan.ops.every(({ name, next }) => next === true || this.#people.asked.has(name)))
      return false;
    if (this.#repository && !this.#isReported(this.#repository)) return false;
    return this.#oracles.isOver;
  }

  #isReported(repository: Repository): boolean {
    if (this.time.now < this.#looked + 60_000) return false;
    this.#looked = this.time.now;
    return this.#plan.ops.every(({ name }) => {
      const report = repository.report(`${name}.yaml`);
      return report === undefined ? !repository.holds(`${name}.yaml`) : isFinalReport(report);
    });
  }

  #looked = 0;

  #logger(i: number): Logger {
    const note = (fields: object, message: string) =>
      this.#note(`replica ${i}: ${message} ${JSON.stringify(fields)}`.slice(0, 400));
    const logger: Logger = {
      debug: () => {},
      info: note,
      warn: note,
      error: note,
      child: () => logger,
    };
    return logger;
  }

  #note(what: string): void {
    this.log.push(`${((this.time.now - this.#began) / 1000).toFixed(3)} ${what}`);
  }
}

function nameIn(body: string | undefined): string {
  return (JSON.parse(body ?? '{}') as Partial<Obj>).metadata?.name ?? '';
}

/** Nobody looks at events here: they are taken, and not kept. */
function isEvent({ method, url }: ApiRequest): boolean {
  return method === 'POST' && url?.split('?')[0]?.endsWith('/events') === true;
}

function taken(response: ApiResponse): Promise<void> {
  response.writeHead(201, { 'content-type': 'application/json' });
  response.end('{}');
  return Promise.resolve();
}
