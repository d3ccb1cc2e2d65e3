import { setTimeout as sleep } from 'node:timers/promises';
import { isFinalReport } from '../../src/api/report.ts';
import { Reports } from '../simulation/world/oracles/reports.ts';
import { Random } from '../simulation/world/random.ts';
import { isReal } from './cluster.ts';
import { Observer } from './observer.ts';
import { People } from './people.ts';
import type { Event, Plan, Victim } from './plan.ts';
import { Stage } from './stage.ts';

/** After the last fault everything ends within its time-outs, which are a minute each, one after the other; real nodes take their time to boot, too. */
const SETTLE_MS = isReal() ? 600_000 : 240_000;
/** It has to stay so for a while. */
const QUIET_MS = 3_000;
const LOOK_MS = 100;
/** An agent that is told to stop. */
const STOPS_MS = 20_000;

export interface Outcome {
  violations: readonly string[];
  faults: ReadonlyMap<string, number>;
  /** Containers that nodes have started. */
  starts: number;
  /** How each run ended. */
  ends: readonly string[];
  settledMs: number;
}

/** One history of real processes, from its plan to the last look at what it left. */
export class History {
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #observer = new Observer();
  readonly #people: People;
  readonly #faults = new Map<string, number>();
  readonly #work = new Set<Promise<void>>();
  readonly #note: (what: string) => void;

  constructor(plan: Plan, folder: string, note: (what: string) => void) {
    this.#plan = plan;
    this.#note = note;
    this.#stage = new Stage(folder, plan, new Random(plan.seed ^ 0xc0a5));
    this.#people = new People(this.#stage);
  }

  async run(): Promise<Outcome> {
    const stage = this.#stage;
    try {
      await stage.start();
      try {
        return await this.#follow();
      } finally {
        this.#observer.time.stop();
        if (isReal()) await this.#people.tidy();
      }
    } finally {
      await stage.stop();
    }
  }

  async #follow(): Promise<Outcome> {
    const { runs, events, troubleMs } = this.#plan;
    const { oracles, trouble } = this.#observer;
    const broken = (what: string) => oracles.broken(what);
    const reports = new Reports({
      cluster: this.#observer,
      repository: this.#stage.repository,
      plan: { ops: runs, events, reverted: [] },
      broken,
    });
    this.#stage.startAgents();
    const began = Date.now();
    const due = [
      ...runs.map(({ at, name, spec }) => ({ at, does: () => this.#stage.repository.merge(name, spec) })),
      ...events.map((event) => ({ at: event.at, does: () => this.#happen(event) })),
    ].toSorted((a, b) => a.at - b.at);
    for (const { at, does } of due) {
      // oxlint-disable-next-line no-await-in-loop -- in the order of their times
      await this.#watchUntil(() => Date.now() - began >= at);
      this.#under(does());
    }
    await this.#watchUntil(() => Date.now() - began >= troubleMs && this.#work.size === 0);
    this.#calm();
    const calm = Date.now();
    Object.assign(trouble, { troubleUntil: calm, unawareUntil: calm });
    const settledMs = await this.#settles(calm);
    if (settledMs === undefined) broken(`it has not ended ${SETTLE_MS / 1000} s after the last fault`);
    oracles.atEnd();
    reports.atEnd();
    await this.#stops();
    this.#lookAround();
    return {
      violations: oracles.violations,
      faults: this.#counts(),
      starts: this.#observer.starts,
      ends: runs.map(({ name }) => `${name} ${this.#phaseOf(name)}`),
      settledMs: settledMs ?? SETTLE_MS,
    };
  }

  #happen(event: Event): Promise<void> {
    this.#note(JSON.stringify(event));
    switch (event.kind) {
      case 'people':
        this.#count(`people: ${event.what}`);
        return this.#people.happen(event);
      case 'network':
        return this.#blows(event);
      case 'process':
        this.#count(`${event.of.replace(/ \d$/, '')}: ${event.what}`);
        return this.#fails(event);
    }
  }

  async #blows({ link, what, share, ms }: Extract<Event, { kind: 'network' }>): Promise<void> {
    const weather = this.#stage.weather[link];
    weather.set({ what, share });
    await sleep(ms);
    weather.set(undefined);
  }

  async #fails({ of, what, ms, loses }: Extract<Event, { kind: 'process' }>): Promise<void> {
    const process = this.#stage.process(of);
    if (process === undefined) return;
    if (what === 'pause') process.pause();
    else if (what === 'kill') process.kill();
    else await this.#stop(of);
    if (of === 'Git server' && what === 'kill') this.#stage.repository.tidy();
    if (loses === true && what !== 'pause') this.#stage.loseDisk(Number(of.at(-1)));
    await sleep(ms);
    if (what === 'pause') process.resume();
    process.start();
  }

  async #stop(of: Victim): Promise<void> {
    const { code, ms = 0 } = (await this.#stage.process(of)?.stop(STOPS_MS)) ?? {};
    // Another event may have killed it meanwhile.
    if (ms >= STOPS_MS)
      this.#observer.oracles.broken(`${of} does not stop within ${STOPS_MS / 1000} s: ${code}`);
  }

  #calm(): void {
    for (const weather of Object.values(this.#stage.weather)) weather.set(undefined);
    for (const victim of ['agent 0', 'agent 1', 'API server', 'Git server'] as const) {
      const process = this.#stage.process(victim);
      process?.resume();
      process?.start();
    }
  }

  /** How long it took; undefined when it did not. */
  async #settles(calm: number): Promise<number | undefined> {
    let since: number | undefined;
    await this.#watchUntil(() => {
      if (this.#isOver()) since ??= Date.now();
      else since = undefined;
      return Date.now() - (since ?? Infinity) > QUIET_MS || Date.now() - calm > SETTLE_MS;
    });
    return since === undefined ? undefined : since - calm;
  }

  #looked = 0;
  #wasReported = false;

  #isOver(): boolean {
    if (!this.#observer.oracles.isOver) return false;
    if (Date.now() - this.#looked < 1_000) return this.#wasReported;
    this.#looked = Date.now();
    const { repository } = this.#stage;
    this.#wasReported = this.#plan.runs.every(({ name }) => {
      const report = repository.report(`${name}.yaml`);
      return report === undefined ? !repository.holds(`${name}.yaml`) : isFinalReport(report);
    });
    return this.#wasReported;
  }

  async #stops(): Promise<void> {
    const ends = await Promise.all(this.#stage.agents.map((agent) => agent.stop(STOPS_MS)));
    for (const { code, ms } of ends)
      if (code !== 0)
        this.#observer.oracles.broken(`an agent that was told to stop ended with ${code} after ${ms} ms`);
  }

  /** What is left when no agent is there any more. */
  #lookAround(): void {
    this.#observer.feed(this.#stage.cluster.read());
    const branches = this.#stage.repository.branches();
    if (branches.join() !== 'refs/heads/main')
      this.#observer.oracles.broken(`there are branches ${branches.join()}`);
  }

  async #watchUntil(isTime: () => boolean): Promise<void> {
    while (!isTime()) {
      this.#observer.feed(this.#stage.cluster.read());
      // oxlint-disable-next-line no-await-in-loop -- that is what waiting is
      await sleep(LOOK_MS);
    }
  }

  #under(work: Promise<void>): void {
    const own = work
      .catch((error: unknown) => this.#note(`not done: ${String(error)}`))
      .finally(() => this.#work.delete(own));
    this.#work.add(own);
  }

  #phaseOf(name: string): string {
    return this.#stage.repository.report(`${name}.yaml`)?.status.phase ?? 'without a report';
  }

  #count(kind: string): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
  }

  #counts(): Map<string, number> {
    const network = Object.entries(this.#stage.weather).flatMap(([link, { counts }]) =>
      [...counts].map(([what, count]) => [`network to ${link}: ${what}`, count] as const),
    );
    return new Map([...this.#faults, ...network]);
  }
}
