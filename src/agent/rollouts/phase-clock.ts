import type { NodePhase } from '../../api/nodeop.ts';
import type { Clock, Telemetry } from '../../core/ports.ts';

/** Measures how long nodes stay in the phases that are measured. What began before a restart is not counted. */
export class PhaseClock {
  private readonly telemetry: Telemetry;
  private readonly clock: Clock;
  private readonly since = new Map<string, number>();

  constructor(telemetry: Telemetry, clock: Clock) {
    this.clock = clock;
    this.telemetry = telemetry;
  }

  moved(uid: string, node: string, from: NodePhase | undefined, to: NodePhase): void {
    const key = `${uid}/${node}`;
    const began = this.since.get(key);
    this.since.delete(key);
    if (began !== undefined) {
      const seconds = (this.clock.steady() - began) / 1000;
      if (from === 'Draining') this.telemetry.drained(seconds);
      if (from === 'Rebooting') this.telemetry.rebooted(seconds);
    }
    if (to === 'Draining' || to === 'Rebooting') this.since.set(key, this.clock.steady());
  }

  /** The NodeOp is gone. */
  forget(uid: string): void {
    for (const key of this.since.keys()) if (key.startsWith(`${uid}/`)) this.since.delete(key);
  }
}
