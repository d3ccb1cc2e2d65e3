import type { Logger } from '../../../src/agent/logger.ts';
import type { NodeOpStatus } from '../../../src/api/nodeop.ts';
import { isFinalReport } from '../../../src/api/report.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import { Cluster, NAMESPACE } from './cluster.ts';
import { Faults } from './faults.ts';
import type { Behaviour, Kind } from './machine.ts';
import { Oracles } from './oracles.ts';
import { type Event, type NodePlan, type Plan } from './plan.ts';
import { AgentProcess } from './process.ts';
import { Repository } from './repository.ts';
import { Random } from './random.ts';
import { VirtualTime } from './time.ts';
import type { Wire } from './transport.ts';

const NODEOPS = 'nodeops.operator.kairos.io';
/** After the last fault everything ends within its time-outs, which are minutes each. */
const SETTLE_MS = 3 * 3_600_000;

export interface Outcome {
  violations: readonly string[];
  faults: ReadonlyMap<string, number>;
  /** Of virtual time. */
  ms: number;
  steps: number;
  log: readonly string[];
}

/** One history of one cluster from its plan: the same plan gives the same history. */
export class History {
  readonly time = new VirtualTime();
  readonly log: string[] = [];
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #faults: Faults;
  readonly cluster: Cluster;
  readonly #oracles: Oracles;
  readonly #wire: Wire;
  readonly #replicas: (AgentProcess | undefined)[] = [undefined, undefined];
  readonly #repository: Repository | undefined;
  readonly #began: number;
  /** Replicas that die after so many more writes. */
  #armed: { replica: number; left: number; ms: number }[] = [];
  readonly #endsBroken: boolean;

  /** @param endsBroken whether it ends with the first promise that is broken */
  constructor(plan: Plan, { endsBroken = false }: { endsBroken?: boolean } = {}) {
    this.#endsBroken = endsBroken;
    this.#plan = plan;
    this.#random = new Random(plan.seed ^ 0x5eed);
    this.#began = this.time.now;
    this.#repository = plan.repository ? new Repository(this.time) : undefined;
    this.time.real = plan.repository;
    this.#faults = new Faults(this.time, this.#random.fork());
    this.#oracles = new Oracles(() => this.cluster, this.time, this.#faults);
    this.cluster = new Cluster({
      time: this.time,
      random: this.#random,
      told: {
        containerStarts: (node, kind, pod) => {
          this.#note(`${node} starts ${kind} ${pod.metadata.name}`);
          this.#oracles.containerStarts(node, kind, pod);
          if (kind === 'command') this.#visit(node);
        },
        containerEnds: (node, kind, pod, exitCode) => {
          this.#note(`${node} ends ${kind} ${pod.metadata.name} ${exitCode ?? 'without a word'}`);
          this.#oracles.containerEnds(node, kind, pod, exitCode);
        },
        rebooted: (node) => {
          this.#note(`${node} reboots`);
          this.#oracles.rebooted(node);
        },
      },
      behave: (_pod, kind, node) => this.#behave(kind, node),
    });
    this.#wire = {
      time: this.time,
      serve: (request, response) => this.cluster.server.serve(request, response),
      fate: this.#faults.fate,
      watchFate: this.#faults.watchFate,
      watches: new Set(),
      onWrite: (method, path, code, by) => {
        if (path.includes('/leases') || path.includes('/events')) return;
        this.#note(`${method} ${path} ${code}`);
        this.#wrote(this.#replicas.findIndex((replica) => replica?.clock === by));
      },
    };
    this.#oracles.watch();
  }

  async run(): Promise<Outcome> {
    const { nodes, ops, events } = this.#plan;
    for (const node of nodes) this.#addNode(node);
    this.#start(0);
    this.time.after(500, () => this.#start(1));
    for (const { at, name, spec } of ops) {
      this.time.after(at, () => {
        if (this.#repository) return this.#merge(name, spec);
        const object = { metadata: { name, namespace: NAMESPACE }, spec };
        void this.#create({ apiVersion: 'operator.kairos.io/v1alpha1', kind: 'NodeOp', ...object });
      });
    }
    for (const event of events) this.time.after(event.at, () => this.#happen(event));
    const last = Math.max(
      ...ops.map(({ at }) => at),
      ...events.map((event) => event.at + ('ms' in event ? event.ms : 0)),
    );
    const end = this.#began + last + 60_000;
    await this.time.run(end, () => this.#isBroken);
    for (const i of [0, 1]) if (this.#replicas[i] === undefined) this.#start(i);
    await this.time.run(end + SETTLE_MS, () => this.#isBroken || this.#isOver());
    await this.time.run(this.time.now + 60_000, () => this.#isBroken);
    if (!this.#isBroken) this.#oracles.atEnd();
    if (this.#repository && !this.#isBroken) this.#reportsAtEnd(this.#repository);
    for (const replica of this.#replicas) replica?.kill();
    this.#repository?.[Symbol.dispose]();
    const { violations } = this.#oracles;
    return {
      violations,
      faults: this.#faults.counts,
      ms: this.time.now - this.#began,
      steps: this.time.steps,
      log: this.log,
    };
  }

  get #isBroken(): boolean {
    return this.#endsBroken && this.#oracles.violations.length > 0;
  }

  #wrote(replica: number): void {
    for (const it of this.#armed.filter((one) => one.replica === replica)) it.left -= 1;
    const due = this.#armed.find(({ left }) => left <= 0);
    if (due === undefined) return;
    this.#armed = this.#armed.filter((it) => it !== due);
    this.#toReplica({ at: 0, kind: 'kill', replica, ms: due.ms });
  }

  #visit(node: string): void {
    if (this.#plan.nodes.find(({ name }) => name === node)?.visitor !== true) return;
    const { store } = this.cluster;
    const name = `debug-${node}`;
    if (store.get('pods', name, 'default')) return;
    const spec = { nodeName: node, containers: [{ name: 'debugger' }], terminationGracePeriodSeconds: 0 };
    store.create('pods', { metadata: { name, namespace: 'default' }, spec, status: { phase: 'Pending' } });
    this.time.after(120_000, () => {
      const pod = store.get('pods', name, 'default');
      if (pod) this.cluster.deletion.delete('pods', pod, { gracePeriodSeconds: 0 });
    });
  }

  /** Each run that was begun has a final report that says what its NodeOp says. */
  #reportsAtEnd(repository: Repository): void {
    for (const { name } of this.#plan.ops) {
      const path = `${name}.yaml`;
      const report = repository.report(path);
      const op = this.cluster.nodeOps().find(({ metadata }) => metadata.name === name);
      const { phase } = (op?.status ?? {}) as NodeOpStatus;
      const wanted = repository.holds(path) || phase !== undefined;
      if (report === undefined) {
        if (wanted) this.#oracles.broken(`there is no report of ${path}`);
      } else if (!isFinalReport(report))
        this.#oracles.broken(`the report of ${path} ends as ${report.status.phase}`);
      else if (phase !== undefined && report.status.phase !== phase)
        this.#oracles.broken(`the report of ${path} says ${report.status.phase}, its NodeOp ${phase}`);
    }
  }

  #isOver(): boolean {
    if (this.#repository && !this.#isReported(this.#repository)) return false;
    return this.cluster.nodeOps().every((op) => {
      const phase = String(op.status?.['phase']);
      return (
        ['Completed', 'Failed', 'Cancelled'].includes(phase) && op.metadata.deletionTimestamp === undefined
      );
    });
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

  #addNode({ name, zone, make, workload }: NodePlan): void {
    this.cluster.addNode(name, make, { zone, 'kubernetes.io/hostname': name });
    if (!workload) return;
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: `app-${name}`,
      uid: this.#random.uuid(),
    };
    this.cluster.store.create('pods', {
      metadata: {
        name: `app-${name}`,
        namespace: 'default',
        ownerReferences: [{ ...owner, controller: true }],
      },
      spec: { nodeName: name, containers: [{ name: 'app' }], terminationGracePeriodSeconds: 30 },
      status: { phase: 'Pending' },
    });
  }

  #behave(kind: Kind, node: string): Behaviour {
    const plan = this.#plan.nodes.find(({ name }) => name === node);
    if (kind === 'command' && plan) return plan.command;
    if (kind === 'preflight' && plan) return plan.preflight;
    return { startMs: 300, runMs: 1_000, exitCode: 0 };
  }

  #start(i: number): void {
    const offset = this.#random.pick([0, 0, 5_000, -5_000]);
    this.#note(`replica ${i} starts`);
    const { time } = this;
    const own = { time, random: this.#random.fork(), logger: this.#logger(i), offset };
    this.#replicas[i] = new AgentProcess(this.#wire, own, this.#repository?.config(i));
  }

  #merge(name: string, spec: object): void {
    this.#note(`people: merge runs/${name}.yaml`);
    this.time.activity += 1;
    this.#repository?.merge(`${name}.yaml`, spec);
  }

  async #create(object: Obj): Promise<void> {
    await this.#request('POST', `/apis/operator.kairos.io/v1alpha1/namespaces/${NAMESPACE}/nodeops`, object);
  }

  /** What people do with kubectl is not the network's to lose here. */
  async #request(method: string, url: string, body?: unknown): Promise<void> {
    this.#note(`people: ${method} ${url}`);
    this.#oracles.byPeople = true;
    const request = {
      method,
      url,
      headers: { 'content-type': 'application/merge-patch+json' },
      [Symbol.asyncIterator]: async function* pieces() {
        if (body !== undefined) yield Buffer.from(JSON.stringify(body));
      },
    };
    const nothing = () => {};
    const response = { statusCode: 0, headersSent: false, setHeader: nothing, getHeader: nothing };
    await this.cluster.server.serve(request, {
      ...response,
      writeHead: (code) => this.#note(`people: answered ${code}`),
      flushHeaders: nothing,
      write: nothing,
      end: nothing,
      on: nothing,
    });
    this.#oracles.byPeople = false;
  }

  #happen(event: Event): void {
    this.#note(`* ${JSON.stringify(event)}`);
    this.time.activity += 1;
    switch (event.kind) {
      case 'kill':
      case 'stop':
      case 'pause':
      case 'clock':
      case 'write':
        return this.#toReplica(event);
      case 'api':
        return this.#faults.api(event.what, event.ms, event.share);
      case 'git':
        this.#faults.count(`git: ${event.what}`);
        return this.#repository?.fault(event.what, event.ms, event.replica);
      case 'watches':
        return this.#toWatches(event.what, event.ms);
      case 'node':
        return this.#toNode(event);
      case 'people':
        return this.#byPeople(event);
    }
  }

  #toReplica(event: Extract<Event, { replica: number }>): void {
    const { replica: i, kind } = event;
    const replica = this.#replicas[i];
    if (replica === undefined) return;
    if (kind === 'write') {
      this.#armed.push({ replica: i, left: event.count, ms: event.ms });
      return;
    }
    this.#faults.count(`agent: ${kind}`);
    if (kind === 'clock') {
      this.#oracles.isTimeSet = true;
      return replica.clock.set(event.byMs);
    }
    this.#faults.trouble(event.ms + 60_000);
    if (kind === 'pause') {
      replica.clock.pause();
      this.time.after(event.ms, () => replica.clock.resume());
      return;
    }
    this.#replicas[i] = undefined;
    if (kind === 'kill') replica.kill();
    else void replica.stop().then(() => replica.kill());
    this.time.after(event.ms + (kind === 'stop' ? 30_000 : 0), () => {
      replica.kill();
      if (this.#replicas[i] === undefined) this.#start(i);
    });
  }

  #toWatches(what: 'cut' | 'lag' | 'silent', ms: number): void {
    this.#faults.watches(what, ms);
    for (const watch of this.#wire.watches) {
      this.#faults.count(`watch: ${what}`);
      if (what === 'cut') watch.cut();
      else if (what === 'silent') watch.silent = true;
      else {
        watch.lag = Math.min(ms, 20_000);
        this.time.after(ms, () => (watch.lag = 0));
      }
    }
  }

  #toNode({ what, node, ms }: Extract<Event, { kind: 'node' }>): void {
    this.#faults.count(`node: ${what}`);
    const { store } = this.cluster;
    const machine = this.cluster.machines.get(node);
    if (machine === undefined) return;
    const known = store.get('nodes', node);
    if (what === 'reboot') return machine.reboot();
    machine.powerOff();
    if (what === 'down') {
      this.time.after(ms, () => {
        if (store.get('nodes', node)) machine.powerOn();
      });
      return;
    }
    if (known === undefined) return;
    store.remove('nodes', known);
    for (const pod of store.podsOn(node))
      this.cluster.deletion.delete('pods', pod, { gracePeriodSeconds: 0 });
    this.#oracles.peoplesCordons.delete(node);
    const plan = this.#plan.nodes.find(({ name }) => name === node);
    if (what === 'replaced' && plan)
      this.time.after(ms, () => {
        if (store.get('nodes', node) === undefined) this.#addNode({ ...plan, workload: false });
      });
  }

  #byPeople({ what, on, ms }: Extract<Event, { kind: 'people' }>): void {
    const { store } = this.cluster;
    this.#faults.count(`people: ${what}`);
    const node = `/api/v1/nodes/${on}`;
    const op = `/apis/operator.kairos.io/v1alpha1/namespaces/${NAMESPACE}/nodeops/${on}`;
    const known = store.get(NODEOPS, on, NAMESPACE);
    switch (what) {
      case 'cordon':
        if (store.get('nodes', on)?.spec?.['unschedulable'] === true) return;
        this.#oracles.peoplesCordons.add(on);
        return void this.#request('PATCH', node, { spec: { unschedulable: true } });
      case 'uncordon':
        this.#oracles.peoplesCordons.delete(on);
        return void this.#request('PATCH', node, { spec: { unschedulable: null } });
      case 'delete':
        return void this.#request('DELETE', op);
      case 'cancel':
        return void this.#request('PATCH', op, {
          metadata: { annotations: { 'agent.nodeop.dev/cancel': 'enough' } },
        });
      case 'suspend':
        this.time.after(ms, () => void this.#request('PATCH', op, { spec: { suspend: false } }));
        return void this.#request('PATCH', op, { spec: { suspend: true } });
      case 'hold': {
        const annotate = (why: string | null) =>
          this.#request('PATCH', op, { metadata: { annotations: { 'agent.nodeop.dev/hold': why } } });
        this.time.after(ms, () => void annotate(null));
        return void annotate('wait');
      }
      case 'revert':
        if (this.#repository?.holds(`${on}.yaml`) === true) this.#repository.revert(`${on}.yaml`);
        return;
      case 'copy':
        if (known) this.#copy(known);
    }
  }

  /** As a backup tool restores it: all but what the API server gives. */
  #copy(op: Obj): void {
    if (op.metadata.annotations?.['agent.nodeop.dev/executed-spec'] === undefined) return;
    const { annotations, labels } = op.metadata;
    const name = `${op.metadata.name}-copy`;
    const { store } = this.cluster;
    if (store.get(NODEOPS, name, NAMESPACE)) return;
    const metadata = { name, namespace: NAMESPACE, annotations, labels: labels ?? {} } as Obj['metadata'];
    const made = store.create(NODEOPS, { metadata, spec: op.spec ?? {} });
    this.#oracles.copies.add(made.metadata.uid ?? '');
  }

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
