import { type AgentConfig, clusterOf } from '../../api/config.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { compilePattern } from '../../api/patterns.ts';
import type { NodeOpReport } from '../../api/report.ts';
import { fieldsOf } from '../../core/notify/fields.ts';
import { bodyOf } from '../../core/notify/fill.ts';
import {
  gone,
  isEnded,
  type Standing,
  standingOfNodeOp,
  standingsOfReport,
} from '../../core/notify/standing.ts';
import type { Clock, NodeOpStore, NotifyStore, Telemetry } from '../../core/ports.ts';
import type { Layout } from '../../core/runs/paths.ts';
import { pause } from '../../time/backoff.ts';
import { post } from '../../web/webhook.ts';
import type { Logger } from '../logger.ts';
import type { Post } from './queue.ts';
import { Target } from './target.ts';

export interface NotifierOptions {
  config: AgentConfig;
  nodeOps: Pick<NodeOpStore, 'list' | 'onChange'>;
  store: NotifyStore;
  layout: Layout;
  clock: Clock;
  logger: Logger;
  telemetry: Telemetry;
  post?: Post;
}

/** Between two looks: of a rollout that moves a look a second is enough. */
const LOOK_MS = 1_000;
/** Reports of runs without a NodeOp that are looked at; the newest of them. */
const MAX_REPORTS = 5_000;

/** Tells receivers how runs are going, those of Git and those of others. No run waits for it. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #targets: Target[];
  /** By key. */
  readonly #reports = new Map<string, Standing>();
  /** NodeOps as they were looked at last, so that one that goes without an end is noticed. */
  #seen = new Map<string, Standing>();
  readonly #known = new WeakMap<NodeOp, Standing>();
  #unsubscribe: (() => void) | undefined;
  #cancel: (() => void) | undefined;
  #due = Infinity;
  #lastLook = -Infinity;
  #stopped = false;
  #loaded: Promise<void> | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
    const { config, store, layout, clock, telemetry } = options;
    const logger = options.logger.child({ loop: 'notify' });
    const mask = config.report.mask.map(compilePattern);
    const real: Post = (target, body, signal) => post(target, body, clock, signal);
    this.#targets = config.notify.map((target) => {
      const body: ConstructorParameters<typeof Target>[0]['bodyOf'] = (event) =>
        bodyOf(target, fieldsOf(event, { layout, mask }));
      const common = { clock, logger, telemetry, store, post: options.post ?? real };
      return new Target({ ...common, target, cluster: clusterOf(config), bodyOf: body });
    });
  }

  /** To be called once the NodeOps are known. */
  start(): void {
    if (this.#targets.length === 0 || this.#stopped) return;
    this.#unsubscribe = this.#options.nodeOps.onChange(() => this.#soon());
    this.#loaded = Promise.all(this.#targets.map((it) => it.load())).then(() => this.#soon());
  }

  /** A ReportListener. */
  readonly tell = (reports: readonly NodeOpReport[]): void => {
    if (this.#targets.length === 0) return;
    for (const standing of reports.flatMap((it) => standingsOfReport(it, this.#options.layout))) {
      this.#reports.delete(standing.key);
      this.#reports.set(standing.key, standing);
    }
    for (const key of this.#reports.keys()) if (this.#reports.size > MAX_REPORTS) this.#reports.delete(key);
    this.#soon();
  };

  /** Waits until all is told, but no longer than that many milliseconds. */
  async settle(ms: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([this.#ended(), pause(this.#options.clock, ms, timer.signal)]);
    timer.abort();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    this.#cancel?.();
    await Promise.all(this.#targets.map((it) => it.stop()));
  }

  async #ended(): Promise<void> {
    await this.#loaded;
    this.#look();
    await Promise.all(this.#targets.map((it) => it.ended()));
  }

  #soon(): void {
    this.#lookAt(Math.max(this.#options.clock.steady(), this.#lastLook + LOOK_MS));
  }

  #lookAt(at: number): void {
    if (this.#stopped || at >= this.#due) return;
    const { clock } = this.#options;
    this.#cancel?.();
    this.#due = at;
    this.#cancel = clock.after(at - clock.steady(), () => this.#look());
  }

  #look(): void {
    const { clock, logger } = this.#options;
    this.#cancel?.();
    this.#due = Infinity;
    this.#lastLook = clock.steady();
    try {
      const standings = this.#standings();
      for (const target of this.#targets) {
        const again = target.look(standings);
        if (again !== undefined) this.#lookAt(again);
      }
    } catch (error) {
      logger.error({ err: error }, 'notifications are not looked after this time');
    }
  }

  #standings(): Standing[] {
    const { nodeOps, layout, clock } = this.#options;
    const now = new Map<string, Standing>();
    for (const nodeOp of nodeOps.list()) {
      const standing = this.#known.get(nodeOp) ?? standingOfNodeOp(nodeOp, layout);
      this.#known.set(nodeOp, standing);
      now.set(standing.key, standing);
    }
    for (const [key, last] of this.#seen) {
      // The end of a run without its NodeOp is for its report to tell.
      if (now.has(key) || isEnded(last) || last.run !== undefined) continue;
      this.#reports.set(key, gone(last, clock.wall()));
    }
    this.#seen = now;
    const others = [...this.#reports.values()].filter(({ key }) => !now.has(key));
    return [...now.values(), ...others];
  }
}
