import { systemClock } from '../time/clock.ts';
import { networkOf } from './caller.ts';

/** How many callers are remembered; beyond that the longest unseen is forgotten. */
const MAX_CALLERS = 1_000;

/** So many calls a minute for each caller (an address, or the network of an IPv6 address), all of them at once if need be (a token bucket each). */
export class RateLimit {
  private readonly perMinute: number;
  private readonly buckets = new Map<string, { tokens: number; at: number }>();
  private readonly now: () => number;

  constructor(perMinute: number, now: () => number = systemClock.steady) {
    this.perMinute = perMinute;
    this.now = now;
  }

  /** 0 when the call may go on, else the seconds to wait before the next one. */
  take(address: string): number {
    const caller = networkOf(address);
    const now = this.now();
    const { tokens, at } = this.buckets.get(caller) ?? { tokens: this.perMinute, at: now };
    const filled = Math.min(this.perMinute, tokens + ((now - at) / 60_000) * this.perMinute);
    const granted = filled >= 1;
    this.buckets.delete(caller);
    this.buckets.set(caller, { tokens: granted ? filled - 1 : filled, at: now });
    const [oldest] = this.buckets.keys();
    if (this.buckets.size > MAX_CALLERS && oldest !== undefined) this.buckets.delete(oldest);
    return granted ? 0 : Math.ceil(((1 - filled) / this.perMinute) * 60);
  }
}
