import { type ClusterHolds, clusterHoldText } from '../core/holds.ts';
import type { Logger } from './logger.ts';

/**
 * What holds the whole cluster, as last heard of. Nothing new starts before the repository was read once, or could not be:
 * a restart must not let go of what people hold.
 */
export class Holds {
  private readonly logger: Logger;
  private readonly file: string;
  private readonly listeners = new Set<() => void>();
  private now: ClusterHolds = {};
  private isSure: boolean;
  private isTried: boolean;

  /** @param file what holds in the repository; undefined where no repository is followed */
  constructor(logger: Logger, file?: string) {
    this.logger = logger;
    this.file = file ?? '';
    this.isSure = file === undefined;
    this.isTried = this.isSure;
  }

  get current(): ClusterHolds {
    return this.now;
  }

  /** The first line of whatever tells how things stand. */
  get text(): string | undefined {
    return clusterHoldText(this.now, this.file);
  }

  /** Whether it is known what the repository says. */
  get sure(): boolean {
    return this.isSure;
  }

  /** Whether the repository was read, or could not be. */
  get tried(): boolean {
    return this.isTried;
  }

  set(by: keyof ClusterHolds, reason: string | undefined): void {
    const wasSure = this.isSure;
    if (by === 'repository') {
      this.isSure = true;
      this.isTried = true;
    }
    const isNews = this.now[by] !== reason;
    this.now = { ...this.now, [by]: reason };
    if (isNews && reason !== undefined)
      this.logger.warn({ by, reason, held: true }, 'held: no new node starts and no run begins');
    if (isNews && reason === undefined)
      this.logger.warn({ by, held: false }, 'no longer held: rollouts go on');
    if (isNews || wasSure !== this.isSure) for (const listener of this.listeners) listener();
  }

  /** The repository could not be read: what is held there is what is on record. */
  giveUp(): void {
    if (this.isTried) return;
    this.isTried = true;
    for (const listener of this.listeners) listener();
  }

  /** @returns the way to stop listening */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
