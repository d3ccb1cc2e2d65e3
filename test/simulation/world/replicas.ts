import type { Logger } from '../../../src/agent/logger.ts';
import type { AgentConfig } from '../../../src/api/config.ts';
import type { Asker } from '../../../src/core/checks/try.ts';
import type { Faults } from './faults.ts';
import type { Event, Who } from './plan.ts';
import { AgentProcess } from './process.ts';
import type { Random } from './random.ts';
import type { ProcessClock, VirtualTime } from './time.ts';
import type { Fate, Wire } from './transport.ts';

type ReplicaEvent = Extract<Event, { replica: Who; kind: 'kill' | 'pause' | 'stop' | 'clock' | 'write' }>;
type WriteEvent = Extract<Event, { kind: 'write' }>;

/** So long the connection of a request lasts that is cut. */
const CUT_MS = 50;
/** A replica ends within this time when it is told to. */
const STOP_MS = 30_000;

interface World {
  time: VirtualTime;
  faults: Faults;
  random: Random;
  wire: Wire;
  /** Sends the requests of checks. */
  asker: (clock: ProcessClock) => Asker;
  logger: (i: number) => Logger;
  /** With a repository. */
  config: (i: number) => AgentConfig | undefined;
  /** Identity of the process that holds the lease. */
  holder: () => string;
  note: (what: string) => void;
  /** Told of each write as it is sent, but for leases and events. */
  onWrite: () => void;
  broken: (what: string) => void;
}

/** The agents of one cluster, and what becomes of them. */
export class Replicas {
  readonly #world: World;
  readonly #running: (AgentProcess | undefined)[];
  #armed: { event: WriteEvent; replica: number; left: number }[] = [];
  /** Of all of them, but for leases and events. */
  writes = 0;
  readonly #identities = new Map<ProcessClock, string>();
  /** Writes of each that have not taken effect, and yet may. */
  readonly #underWay = new Map<ProcessClock, number>();

  constructor(count: number, world: World) {
    this.#world = world;
    this.#running = Array.from({ length: count }, () => undefined);
  }

  start(): void {
    for (const i of this.#running.keys()) this.#world.time.after(i * 500, () => this.#start(i));
  }

  /** Whoever is not there is started. */
  startAll(): void {
    for (const [i, running] of this.#running.entries()) if (running === undefined) this.#start(i);
  }

  killAll(): void {
    for (const replica of this.#running) replica?.kill();
  }

  #start(i: number): void {
    const { time, random, wire, asker, logger, config, note, broken } = this.#world;
    const offset = random.pick([0, 0, 5_000, -5_000]);
    note(`replica ${i} starts`);
    const onStuck = (error: Error) => broken(`replica ${i} is stuck: ${error.message}`);
    const own = { time, random: random.fork(), logger: logger(i), asker, offset, onStuck };
    this.#running[i] = new AgentProcess(wire, own, config(i));
  }

  happen(event: ReplicaEvent): void {
    const { time, faults } = this.#world;
    const i = this.#index(event.replica);
    const replica = this.#running[i];
    if (replica === undefined) return;
    if (event.kind === 'write') {
      this.#armed.push({ event, replica: i, left: event.count });
      return;
    }
    faults.count(`agent: ${event.kind}`);
    if (event.kind === 'clock') return replica.clock.set(event.byMs);
    faults.trouble(event.ms + 60_000);
    if (event.kind === 'pause') {
      replica.clock.pause();
      time.after(event.ms, () => replica.clock.resume());
    } else if (event.kind === 'kill') this.#kill(i, event.ms);
    else this.#stop(i, replica, event.ms);
  }

  #index(who: Who): number {
    if (who !== 'leader') return who;
    const holder = this.#world.holder();
    const i = this.#running.findIndex((it) => it && this.#identities.get(it.clock) === holder);
    return Math.max(0, i);
  }

  #kill(i: number, ms: number): void {
    const replica = this.#running[i];
    if (replica === undefined) return;
    this.#running[i] = undefined;
    replica.kill();
    this.#world.time.after(ms, () => {
      if (this.#running[i] === undefined) this.#start(i);
    });
  }

  #stop(i: number, replica: AgentProcess, ms: number): void {
    const { time, broken } = this.#world;
    let ended = false;
    // A process that is paused hears of it once it goes on.
    replica.clock.when(() => {
      void replica.stop().then(() => {
        ended = true;
        replica.kill();
      });
    });
    this.#running[i] = undefined;
    time.after(STOP_MS, () => {
      if (!ended && !replica.clock.dead && !replica.clock.wasPaused) broken(`replica ${i} does not stop`);
      replica.kill();
    });
    time.after(ms + STOP_MS, () => {
      if (this.#running[i] === undefined) this.#start(i);
    });
  }

  /** Told of everything that is sent. Answers what becomes of a write that a fault waits for. */
  fate(method: string, path: string, body: string | undefined, by: ProcessClock): Fate | undefined {
    if (method === 'GET') return undefined;
    if (path.includes('/leases')) {
      this.#lease(body, by);
      return undefined;
    }
    const i = this.#running.findIndex((it) => it?.clock === by);
    this.#mayWrite(i, method, path, by);
    if (!changesSomething(method, path)) return undefined;
    this.writes += 1;
    this.#world.onWrite();
    const armed = this.#armed.filter((it) => it.replica === i);
    for (const one of armed) one.left -= 1;
    const due = armed.find(({ left }) => left <= 0);
    if (due === undefined) return undefined;
    this.#armed = this.#armed.filter((it) => it !== due);
    return this.#apply(due.event, i, by);
  }

  #apply({ how, ms }: WriteEvent, i: number, by: ProcessClock): Fate {
    const { time, faults, note } = this.#world;
    note(`* write ${how}`);
    faults.count(`write: ${how}`);
    faults.trouble(ms + 60_000);
    const soon = { there: 1, back: 1 };
    switch (how) {
      case 'killed after':
        return { ...soon, took: () => this.#kill(i, ms) };
      case 'killed before':
        this.#kill(i, ms);
        return { ...soon, lost: true };
      case 'answer lost':
        return { ...soon, answerLost: true };
      case 'held and killed':
        this.#kill(i, ms);
        return { ...soon, there: ms };
      case 'held and paused':
        by.pause();
        time.after(ms + 1_000, () => by.resume());
        return { ...soon, there: ms };
      case 'held and cut':
        return { ...soon, there: ms, cutAfter: CUT_MS };
      case 'held and stopped': {
        const replica = this.#running[i];
        if (replica) this.#stop(i, replica, ms);
        return { ...soon, there: ms };
      }
    }
  }

  #lease(body: string | undefined, by: ProcessClock): void {
    const { spec } = JSON.parse(body ?? '{}') as { spec?: { holderIdentity?: string } };
    if (spec?.holderIdentity) this.#identities.set(by, spec.holderIdentity);
    const underWay = this.#underWay.get(by) ?? 0;
    if (spec?.holderIdentity === '' && underWay > 0)
      this.#world.broken(`the lease is given up while ${underWay} writes under it may yet take effect`);
  }

  /** Counts what is on its way to the server. */
  sent(method: string, path: string, by: ProcessClock, fate: Fate): Fate {
    if (!changesSomething(method, path) || path.includes('/leases') || fate.lost === true) return fate;
    const count = (change: number) => this.#underWay.set(by, (this.#underWay.get(by) ?? 0) + change);
    count(1);
    const took = () => {
      count(-1);
      fate.took?.();
    };
    return { ...fate, took };
  }

  #mayWrite(i: number, method: string, path: string, by: ProcessClock): void {
    const { holder, broken } = this.#world;
    const known = this.#identities.get(by);
    if (holder() !== '' && known !== holder())
      broken(`replica ${i} writes though it does not hold the lease: ${method} ${path}`);
  }
}

function changesSomething(method: string, path: string): boolean {
  return method !== 'GET' && !path.includes('/events') && !path.includes('dryRun');
}
