import type { Cluster } from './cluster.ts';
import { type OpPlan, type Plan, sitesOf } from './plan.ts';
import { Repository } from './repository.ts';
import { Random } from './random.ts';
import { Site } from './site.ts';
import { VirtualTime } from './time.ts';

/** After the last fault everything ends within its time-outs, which are minutes each. */
const SETTLE_MS = 3 * 3_600_000;
/** People wait no longer than this for something to end. */
const IMPATIENT_MS = 30 * 60_000;
/** What is over for so long stays so. */
const STAYS_MS = 60_000;
const LOOK_MS = 2 * 60_000;

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

/** One history from its plan, of one cluster, or of two on one repository: the same plan gives the same history. */
export class History {
  readonly time = new VirtualTime();
  readonly log: string[] = [];
  readonly #plan: Plan;
  readonly #began = this.time.now;
  readonly #repository: Repository | undefined;
  readonly #sites: readonly Site[];
  readonly #endsBroken: boolean;
  #pushed: readonly string[] = [];

  /** @param endsBroken whether it ends with the first promise that is broken */
  constructor(plan: Plan, { endsBroken = false }: { endsBroken?: boolean } = {}) {
    const { time } = this;
    this.#endsBroken = endsBroken;
    this.#plan = plan;
    const sites = sitesOf(plan);
    const clusters = sites.flatMap(({ cluster }) => (cluster === undefined ? [] : [cluster]));
    this.#repository = plan.repository ? new Repository(time, clusters, plan) : undefined;
    time.real = plan.repository;
    const random = new Random(plan.seed ^ 0x5eed);
    const note = (what: string) => {
      this.log.push(`${((time.now - this.#began) / 1000).toFixed(3)} ${what}`);
    };
    const shared = { time, repository: this.#repository, asked: new Set<string>(), note };
    this.#sites = sites.map(
      (site, i) => new Site(site, { ...shared, random: i === 0 ? random : random.fork() }),
    );
  }

  /** The first one. */
  get cluster(): Cluster {
    return this.#first.cluster;
  }

  get #first(): Site {
    const [first] = this.#sites;
    if (first === undefined) throw new Error('there is no cluster');
    return first;
  }

  async run(): Promise<Outcome> {
    const { time } = this;
    const { ops } = this.#plan;
    for (const site of this.#sites) site.start();
    for (const op of ops) if (op.next !== true) time.after(op.at, () => this.#first.ask(op));
    // What is wrong by then may keep the rest from ever ending.
    if (this.#plan.second) time.after(LOOK_MS, () => this.#lookAtPushes());
    const end = this.#began + Math.max(...ops.map(({ at, next }) => (next === true ? 0 : at))) + 60_000;
    await time.run(end, () => this.#isBroken);
    await time.run(end + SETTLE_MS, () => this.#isBroken || (this.#isQuiet && this.#isOver));
    for (const op of ops) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      if (op.next === true) await this.#askNext(op);
    }
    for (const site of this.#sites) site.startAll();
    await this.#settle();
    if (!this.#isBroken) for (const site of this.#sites) site.judge(this.#plan.wayBack);
    for (const site of this.#sites) site.killAll();
    this.#lookAtPushes();
    const outcome = this.#outcome();
    this.#repository?.[Symbol.dispose]();
    for (const site of this.#sites) site.end();
    return outcome;
  }

  /** What was over may not be so any more: a node that was not Ready comes back, the API server is one of the past. */
  async #settle(): Promise<void> {
    const { time } = this;
    const end = time.now + SETTLE_MS;
    let stays = false;
    while (!stays && !this.#isBroken && time.now < end) {
      // oxlint-disable-next-line no-await-in-loop -- time passes in order
      await time.run(end, () => this.#isBroken || (this.#isQuiet && this.#isOver));
      // oxlint-disable-next-line no-await-in-loop
      await time.run(time.now + STAYS_MS, () => this.#isBroken);
      stays = this.#isQuiet && this.#isOver;
    }
  }

  #outcome(): Outcome {
    const faults = new Map<string, number>();
    for (const site of this.#sites)
      for (const [kind, count] of site.faults) faults.set(kind, (faults.get(kind) ?? 0) + count);
    return {
      violations: this.#violations,
      faults,
      ms: this.time.now - this.#began,
      steps: this.time.steps,
      end: this.#sites.map(({ state }) => state).join('; '),
      writes: this.#sites.reduce((sum, { writes }) => sum + writes, 0),
      log: [...this.log],
    };
  }

  /** What is wrong with what was pushed. */
  #lookAtPushes(): void {
    const repository = this.#repository;
    if (repository) this.#pushed = [...repository.strangers(), ...repository.lost()];
  }

  get #violations(): readonly string[] {
    return [...this.#sites.flatMap(({ violations }) => violations), ...this.#pushed];
  }

  get #isBroken(): boolean {
    return this.#endsBroken && this.#violations.length > 0;
  }

  get #isQuiet(): boolean {
    return this.#sites.every(({ isQuiet }) => isQuiet);
  }

  get #isOver(): boolean {
    return this.#sites.every(({ isOver }) => isOver);
  }

  /** What does not end by itself is deleted by somebody at some time. */
  async #askNext(op: OpPlan): Promise<void> {
    const { time } = this;
    time.after(op.at, () => this.#first.ask(op));
    const isDone = () => this.#isBroken || this.#isOver;
    await time.run(time.now + op.at + 1_000);
    if (await time.run(time.now + IMPATIENT_MS, isDone)) return;
    this.#first.happen({ at: 0, kind: 'people', what: 'delete', on: op.name, ms: 0 });
    await time.run(time.now + SETTLE_MS, isDone);
  }
}
