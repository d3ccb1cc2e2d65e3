import type { NodeOpSpec, NodeOpStatus } from '../../api/nodeop.ts';
import { checkNews } from '../../core/checks/news.ts';
import type { Clock, Telemetry } from '../../core/ports.ts';

/** Counts tries of checks and how long they take. Of one that began before a restart nobody knows for how long it went on. */
export class CheckClock {
  private readonly telemetry: Telemetry;
  private readonly clock: Clock;
  private readonly since = new Map<string, number>();

  constructor(telemetry: Telemetry, clock: Clock) {
    this.telemetry = telemetry;
    this.clock = clock;
  }

  changed(uid: string, spec: NodeOpSpec, before: NodeOpStatus, after: NodeOpStatus): void {
    for (const { kind, key, what, isVerdict } of checkNews(spec, before, after)) {
      const own = `${uid}/${key}`;
      const began = this.since.get(own);
      const now = this.clock.steady();
      if (what === 'begun') this.since.set(own, now);
      else {
        this.since.delete(own);
        this.telemetry.checkTried(kind, what, began === undefined ? undefined : (now - began) / 1000);
        if (isVerdict) this.telemetry.checkJudged(kind, what);
      }
    }
  }

  /** The NodeOp is gone. */
  forget(uid: string): void {
    for (const key of this.since.keys()) if (key.startsWith(`${uid}/`)) this.since.delete(key);
  }
}
