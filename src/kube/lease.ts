import type { Lease, LeaseSpec } from '../api/kubernetes.ts';
import { ANNOTATION_HOLD, ANNOTATION_POLL, ANNOTATION_UNTENDED } from '../api/labels.ts';
import { heldLease, isBefore, isUntended, leaseStep, releasedLease } from '../core/lease.ts';
import type { Clock } from '../core/ports.ts';
import { systemClock } from '../time/clock.ts';
import { isApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { collectionPath, LEASES, objectPath } from './resources.ts';

/** What is handed out with a lease. */
export interface Tenure {
  /** Whether the lease still is this agent's; asked for every single write made under it. */
  holds: () => boolean;
  /** Milliseconds until another agent may act, should the lease not be renewed any more. */
  left: () => number;
}

export interface LeaderElectionOptions {
  client: Pick<KubeClient, 'request'>;
  clock?: Clock;
  namespace: string;
  name: string;
  /** Unique to this process: an identity that came back after a restart would trust a lease it never took. */
  identity: string;
  /** How long others leave a lease alone that is not renewed. */
  leaseDurationMs: number;
  /** How long the holder goes on acting without a renewal; less than the lease's duration. */
  renewDeadlineMs: number;
  retryPeriodMs: number;
  /** The lease is ours. `untended`: nobody has led for a while. */
  onGain: (tenure: Tenure, untended: boolean) => void;
  /** The lease is lost, or could not be renewed in time: stop acting at once. */
  onLoss: (reason: string) => void;
  /** Told whenever another holder is seen, and when an attempt fails. */
  onWait?: (holder: string) => void;
  onError: (error: unknown) => void;
  /** Somebody asked whoever leads for a poll, by the annotation on the lease. */
  onPollAsked?: () => void;
  /** Told at each look, before anything is gained: people's reason on the lease to hold the whole cluster, if it is there. */
  onHold?: (reason: string | undefined) => void;
}

/** When it is told to stop, no request about the lease is waited for longer: then the lease runs out by itself. */
const STOP_MS = 5_000;

/**
 * One leader at a time, by a Lease of coordination.k8s.io/v1. Works as client-go's leader election does;
 * all periods are measured on the process' monotonic clock. The holder counts its time from before it
 * sent the renewal, the others from when they saw it, so that the first always gives up before the
 * second may take over.
 */
export class LeaderElection {
  private readonly options: LeaderElectionOptions;
  private readonly clock: Clock;
  private lease: Lease | undefined;
  /** The last record there was. */
  private known: LeaseSpec | undefined;
  /** It has become one of before: what else there is may be of the past as well. */
  private hasGoneBack = false;
  private seen = { record: '', at: 0 };
  /** Raised at each gain, so that what was handed out under an earlier one no longer holds. */
  private term = 0;
  private leading = false;
  /** Nobody led for a while, and what comes of that is not done yet; it is on the lease, for the next leader. */
  private untended = false;
  private renewedAt = 0;
  private waitingFor = '';
  private pollAsked: string | undefined;
  /** When the lease was last read or written, on the steady clock; undefined before the first time. */
  lookedAt: number | undefined;
  /** When it last did something, whatever came of it; on the steady clock. */
  triedAt = 0;
  private stopped = false;
  private running: Promise<void> | undefined;
  /** Ends the request under way. */
  private asking: AbortController | undefined;
  private wake: () => void = () => {};

  constructor(options: LeaderElectionOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  start(): void {
    this.triedAt = this.clock.steady();
    this.running ??= this.run();
  }

  /** Ends the election and, unless told otherwise, gives a held lease up, so that the next holder need not wait for its end. */
  async stop({ release = true }: { release?: boolean } = {}): Promise<void> {
    this.stopped = true;
    this.wake();
    const cancel = this.clock.after(STOP_MS, () => this.asking?.abort());
    await this.running;
    cancel();
    if (!this.leading) return;
    this.leading = false;
    const { spec } = this.lease ?? {};
    if (spec === undefined || !release) return;
    try {
      await this.bounded(Math.min(this.options.renewDeadlineMs, STOP_MS), (signal) =>
        this.patch(releasedLease(spec, new Date(this.clock.wall())), signal),
      );
    } catch (error) {
      this.options.onError(error);
    }
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      let wait = this.options.retryPeriodMs;
      try {
        wait = await this.attempt();
      } catch (error) {
        this.options.onError(error);
      }
      this.triedAt = this.clock.steady();
      if (this.leading) {
        const left = this.renewedAt + this.options.renewDeadlineMs - this.clock.steady();
        if (left <= 0) this.lose('the lease could not be renewed in time');
        else wait = Math.min(wait, left);
      }
      await this.pause(wait);
    }
  }

  /** One look at the lease and what follows from it; answers when to look again, in milliseconds. */
  private async attempt(): Promise<number> {
    const { renewDeadlineMs, retryPeriodMs } = this.options;
    const bound = this.leading ? this.renewedAt + renewDeadlineMs - this.clock.steady() : renewDeadlineMs;
    return this.bounded(bound, async (signal) => {
      // The holder knows the lease from its last renewal; a conflict tells when it does not.
      if ((!this.leading || this.lease === undefined) && this.goesBack(await this.read(signal)))
        return retryPeriodMs;
      const step = leaseStep(this.lease?.spec, this.ownHolder, this.seen.at, this.clock.steady());
      if (step.type === 'wait') return this.defer(step.until);
      const sentAt = this.clock.steady();
      const { leading } = this;
      if (!leading)
        this.untended = this.hasGoneBack || this.isMarked || isUntended(this.lease?.spec, this.clock.wall());
      try {
        this.see(await this.hold(signal));
      } catch (error) {
        // A lease can vanish; when one cannot be created for a 404, its namespace is missing.
        const vanished = this.lease !== undefined && isApiError(error, 404);
        if (!vanished && !isApiError(error, 409)) throw error;
        // Somebody changed or deleted it meanwhile: read it anew, at once if it was ours.
        this.lease = undefined;
        return this.leading ? 0 : retryPeriodMs;
      }
      // Meanwhile it may have turned out to be of the past.
      if (leading && !this.leading) return retryPeriodMs;
      this.renewedAt = sentAt;
      if (!this.leading) this.gain();
      return retryPeriodMs;
    });
  }

  /** Sees what was read; whether it is a record of before, so that the cluster seems to be one of the past. */
  private goesBack(lease: Lease | undefined): boolean {
    const isEarlier = isBefore(lease?.spec, this.known);
    this.see(lease);
    if (isEarlier) this.wentBack();
    return isEarlier;
  }

  /** The cluster is one of the past: whoever leads next compares it with reports first. */
  wentBack(): void {
    this.hasGoneBack = true;
    if (this.leading) this.lose('the cluster has come back from a backup');
  }

  /** What was sent under a tenure that was lost may take effect until its lease is over, as if it were another agent's. */
  private get ownHolder(): string | undefined {
    return this.leading || this.term === 0 ? this.options.identity : undefined;
  }

  private defer(until: number): number {
    const holder = this.lease?.spec?.holderIdentity ?? '';
    if (this.leading) this.lose(`${holder} holds the lease`);
    if (holder !== this.waitingFor) this.options.onWait?.(holder);
    this.waitingFor = holder;
    return Math.max(0, Math.min(this.options.retryPeriodMs, until - this.clock.steady()));
  }

  private gain(): void {
    this.leading = true;
    this.hasGoneBack = false;
    this.term += 1;
    this.waitingFor = '';
    const { term } = this;
    const { renewDeadlineMs, leaseDurationMs } = this.options;
    const isOwn = () => this.leading && this.term === term;
    const since = () => this.clock.steady() - this.renewedAt;
    const holds = () => isOwn() && since() < renewDeadlineMs;
    const left = () => (isOwn() ? Math.max(0, leaseDurationMs - since()) : 0);
    this.options.onGain({ holds, left }, this.untended);
  }

  private lose(reason: string): void {
    this.leading = false;
    this.options.onLoss(reason);
  }

  /** Passes a wish for a poll on to whoever leads, who sees it at its next renewal. */
  async askForPoll(): Promise<void> {
    const { client, name, namespace } = this.options;
    const annotations = { [ANNOTATION_POLL]: new Date(this.clock.wall()).toISOString() };
    await client.request('PATCH', objectPath(LEASES, name, namespace), {
      body: { metadata: { annotations } },
      contentType: 'application/merge-patch+json',
    });
  }

  /** What comes of a time when nobody led is done; the next renewal says so. */
  tended(): void {
    this.untended = false;
  }

  private get isMarked(): boolean {
    return this.lease?.metadata.annotations?.[ANNOTATION_UNTENDED] !== undefined;
  }

  private marks(): { annotations?: Record<string, string | null> } {
    if (this.isMarked === this.untended) return {};
    return { annotations: { [ANNOTATION_UNTENDED]: this.untended ? 'true' : null } };
  }

  private see(lease: Lease | undefined): void {
    const first = this.lookedAt === undefined;
    this.lookedAt = this.clock.steady();
    const asked = lease?.metadata.annotations?.[ANNOTATION_POLL];
    if (!first && asked !== undefined && asked !== this.pollAsked) this.options.onPollAsked?.();
    this.pollAsked = asked;
    this.options.onHold?.(lease?.metadata.annotations?.[ANNOTATION_HOLD]);
    this.lease = lease;
    this.known = lease?.spec ?? this.known;
    const record = JSON.stringify(lease?.spec);
    if (record !== this.seen.record) this.seen = { record, at: this.clock.steady() };
  }

  private async read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, name, namespace } = this.options;
    try {
      return (await client.request('GET', objectPath(LEASES, name, namespace), { signal })) as Lease;
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  private async hold(signal: AbortSignal): Promise<Lease> {
    const { client, identity, leaseDurationMs, name, namespace } = this.options;
    const spec = heldLease(this.lease?.spec, identity, leaseDurationMs, new Date(this.clock.wall()));
    if (this.lease !== undefined) return this.patch(spec, signal);
    const metadata = { name, namespace, ...this.marks() };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    return (await client.request('POST', collectionPath(LEASES, namespace), { body, signal })) as Lease;
  }

  /** The version makes it a write of the very record that was judged. */
  private async patch(spec: LeaseSpec, signal: AbortSignal): Promise<Lease> {
    const { client, name, namespace } = this.options;
    const resourceVersion = this.lease?.metadata.resourceVersion;
    const answer = await client.request('PATCH', objectPath(LEASES, name, namespace), {
      body: { metadata: { resourceVersion, ...this.marks() }, spec },
      contentType: 'application/merge-patch+json',
      signal,
    });
    return answer as Lease;
  }

  private async bounded<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    this.asking = abort;
    const cancel = this.clock.after(ms, () => abort.abort());
    try {
      return await work(abort.signal);
    } finally {
      cancel();
      this.asking = undefined;
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(ms, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
      if (this.stopped) this.wake();
    });
  }
}
