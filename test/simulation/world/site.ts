import type { Logger } from '../../../src/agent/logger.ts';
import { isFinalReport } from '../../../src/api/report.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import type { ApiRequest, ApiResponse } from '../../../src/sim/api/request.ts';
import { Backups } from './backups.ts';
import { Cluster, NAMESPACE } from './cluster.ts';
import { Faults, RELIST_MS } from './faults.ts';
import { Fleet } from './fleet.ts';
import { Moments } from './moments.ts';
import { Oracles } from './oracles.ts';
import { Reports } from './oracles/reports.ts';
import { People } from './people.ts';
import { type Event, isFor, type OpPlan, type SitePlan } from './plan.ts';
import { LEASE_MS } from './process.ts';
import { Replicas } from './replicas.ts';
import type { Repository } from './repository.ts';
import type { Random } from './random.ts';
import { Services } from './services.ts';
import type { VirtualTime } from './time.ts';
import { boundOf, type Wire } from './transport.ts';

/** Clocks of agents differ by some seconds, and they take a minute for long. */
const UNTENDED_MS = 45_000;
/** An agent asks at least so often for a repository that was away. */
const RETRY_MS = 90_000;

/** What clusters share. */
export interface Shared {
  time: VirtualTime;
  random: Random;
  repository: Repository | undefined;
  /** Operations that people have asked for, by name. */
  asked: Set<string>;
  note: (what: string) => void;
}

/** One cluster with its machines, its agents, its people and what goes wrong there; and what has to hold in it. */
export class Site {
  readonly cluster: Cluster;
  readonly #plan: SitePlan;
  readonly #shared: Shared;
  readonly #faults: Faults;
  readonly #oracles: Oracles;
  readonly #fleet: Fleet;
  readonly #moments = new Moments();
  readonly #wire: Wire;
  readonly #replicas: Replicas;
  readonly #people: People;
  readonly #reports: Reports | undefined;
  /** Only where one is needed. */
  readonly #backups: Backups | undefined;
  #hasGivenUp = false;
  /** When the last event that has begun is over. */
  #troubleUntil = 0;

  constructor(plan: SitePlan, shared: Shared) {
    const { time, random, repository } = shared;
    const note = (what: string) => this.#note(what);
    this.#plan = plan;
    this.#shared = shared;
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
      serve: (request, response, by) => {
        if (request.method !== 'GET') oracles.news.writes(by);
        return isEvent(request) ? taken(response) : this.cluster.server.serve(request, response);
      },
      onTold: (path, text, by) => oracles.news.told(by, path, text, time.now),
      fate: (method, path, body, by) => {
        const { gone } = faults.servers;
        const isDropped = () => faults.servers.gone > gone;
        const isAway = faults.servers.awayUntil > time.now;
        const own = this.#replicas.fate(method, path, body, by);
        const fate = {
          ...(own === undefined || isAway
            ? { ...faults.fate(method, path), ...(own?.took && { took: own.took }) }
            : own),
          isDropped,
        };
        // A server that did not make it in time once may take longer.
        const isLate = this.#hasGivenUp && fate.there > LEASE_MS && fate.there <= boundOf(path);
        if (isLate && /\/(jobs|pods)\?/.test(path)) oracles.late.add(nameIn(body));
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
    this.#replicas = new Replicas(plan.replicas, {
      time,
      faults,
      random,
      note,
      wire: this.#wire,
      asker: (clock) => services.asker(clock),
      logger: (i) => this.#logger(i),
      config: (i) => repository?.config(i, plan.cluster),
      holder: () => this.#holder(),
      onWrite: () => this.#moments.seen('write'),
      broken: (what) => oracles.broken(what),
    });
    this.#people = new People({
      time,
      cluster: this.cluster,
      oracles,
      repository,
      asked: shared.asked,
      note,
    });
    const ages = plan.events.flatMap((event) => (event.kind === 'etcd' ? [event.ageMs] : []));
    this.#backups = ages.length > 0 ? new Backups(this.cluster.store, time, Math.max(...ages)) : undefined;
    oracles.watch();
    this.#reports =
      repository &&
      new Reports({ cluster: this.cluster, repository, broken: (what) => oracles.broken(what), plan });
    this.cluster.store.watchAll((key, { object, before, type }) => {
      if (key === 'leases.coordination.k8s.io') this.#leaseWritten();
      if (type !== 'DELETED') this.#moments.stored(key, object, before);
    });
  }

  #build(random: Random): Cluster {
    return new Cluster({
      time: this.#shared.time,
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

  start(): void {
    this.#fleet.start();
    this.#replicas.start();
    for (const event of this.#plan.events) this.#expect(event);
  }

  /** Somebody who works in this cluster asks for an operation. */
  ask(op: OpPlan): void {
    this.#people.ask(op);
  }

  startAll(): void {
    this.#replicas.startAll();
  }

  /** When everything has settled. */
  judge(wayBack: string | undefined): void {
    this.#oracles.atEnd(wayBack);
    this.#reports?.atEnd();
  }

  killAll(): void {
    this.#replicas.killAll();
  }

  /** No time passes any more. */
  end(): void {
    for (const tell of this.#wire.endings ?? []) tell();
  }

  get violations(): readonly string[] {
    return this.#oracles.violations;
  }

  get faults(): ReadonlyMap<string, number> {
    return this.#faults.counts;
  }

  get writes(): number {
    return this.#replicas.writes;
  }

  /** How everything stands. */
  get state(): string {
    return this.#oracles.end();
  }

  #expect(event: Event): void {
    const { at, after } = event;
    if (after) return this.#moments.when(after, () => this.#shared.time.after(at, () => this.happen(event)));
    // What is bound to a time is waited for; a moment may never come.
    this.#lasts(at);
    this.#shared.time.after(at, () => this.happen(event));
  }

  happen(event: Event): void {
    this.#note(`* ${JSON.stringify(event)}`);
    this.#shared.time.activity += 1;
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
        if (event.what === 'away')
          this.#awayUntil = Math.max(this.#awayUntil, this.#shared.time.now + event.ms);
        return this.#shared.repository?.fault(event.what, event.ms, event.replica, this.#plan.cluster);
      case 'etcd':
        return this.#serverGoes(event);
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

  #serverGoes({ ageMs, ms }: Extract<Event, { kind: 'etcd' }>): void {
    const { time } = this.#shared;
    const saved = this.#backups?.at(time.now - ageMs, this.#holder());
    if (saved === undefined) return;
    this.#faults.serverGoes(ms, [...this.#wire.watches]);
    this.#lasts(ms + RELIST_MS);
    time.after(ms, () => {
      time.activity += 1;
      this.#restoredAt = time.now;
      this.#note(`* restored as of version ${saved.backup.version}`);
      this.#oracles.isRestored(saved.at, () => this.cluster.restore(saved.backup));
      this.#fleet.isRestored();
      this.#people.isRestored();
    });
  }

  /** Where nobody led for a while, rollouts go on only once they were compared with their reports. */
  #leaseWritten(): void {
    const { now } = this.#shared.time;
    const isUntended = now - this.#leaseWrittenAt > UNTENDED_MS;
    this.#leaseWrittenAt = now;
    if (isUntended && this.#awayUntil > now) this.#faults.trouble(this.#awayUntil - now + RETRY_MS);
  }

  #leaseWrittenAt = 0;
  #restoredAt = 0;
  /** Until then the repository cannot be reached. */
  #awayUntil = 0;

  #lasts(ms: number): void {
    this.#troubleUntil = Math.max(this.#troubleUntil, this.#shared.time.now + ms + 1_000);
  }

  get isQuiet(): boolean {
    return this.#shared.time.now > this.#troubleUntil;
  }

  #holder(): string {
    // The lease is of the past, until somebody writes it.
    if (this.#restoredAt > this.#leaseWrittenAt) return '';
    const lease = this.cluster.store.get('leases.coordination.k8s.io', 'nodeop-agent', NAMESPACE);
    const holder = lease?.spec?.['holderIdentity'];
    return typeof holder === 'string' ? holder : '';
  }

  /** Whether nothing is going to change any more. */
  get isOver(): boolean {
    const { repository, asked } = this.#shared;
    if (!this.#plan.ops.every(({ name, next }) => next === true || asked.has(name))) return false;
    if (repository && !this.#isReported(repository)) return false;
    return this.#oracles.isOver;
  }

  #isReported(repository: Repository): boolean {
    const { now } = this.#shared.time;
    if (now < this.#looked + 60_000) return false;
    this.#looked = now;
    const { cluster } = this.#plan;
    return this.#plan.ops.every((op) => {
      if (!isFor(op, cluster)) return true;
      const report = repository.report(`${op.name}.yaml`, cluster);
      return report === undefined ? !repository.holds(`${op.name}.yaml`) : isFinalReport(report);
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
    const { cluster } = this.#plan;
    this.#shared.note(cluster === undefined ? what : `${cluster}: ${what}`);
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
