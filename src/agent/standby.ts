import type { AgentConfig } from '../api/config.ts';
import { durationMs } from '../api/schema.ts';
import type { Clock, Timetable } from '../core/ports.ts';
import { mirrorOf, type Mirror } from '../git/mirror.ts';
import type { Logger } from './logger.ts';
import type { PollState } from './repository/loop.ts';
import { onSchedule } from './schedule.ts';

/** What an agent does while another one leads: it keeps its clone current, and acts on nothing. */
export class Standby {
  private readonly abort = new AbortController();
  private readonly mirror: Mirror;
  private readonly log: Logger;
  private readonly clock: Clock;
  private readonly stopPolling: () => void;
  private under: Promise<void> = Promise.resolve();
  private polled: PollState = {};
  /** Since when a fetch is under way, on the steady clock. */
  passSince: number | undefined;

  constructor(config: AgentConfig, logger: Logger, clock: Clock, timetable: Timetable) {
    const { poll } = config.git;
    this.clock = clock;
    this.log = logger.child({ loop: 'standby' });
    this.mirror = mirrorOf(config.git, this.abort.signal);
    const schedule = { expression: poll.schedule, jitterMs: durationMs(poll.jitter), timetable, clock };
    this.stopPolling = onSchedule(schedule, () => this.fetch());
    void this.fetch();
  }

  state(): PollState {
    return this.polled;
  }

  /** Resolves when nothing works in the clone any more. */
  async stop(): Promise<void> {
    this.abort.abort();
    this.stopPolling();
    await this.under;
  }

  private fetch(): Promise<void> {
    this.under = this.under.then(async () => {
      if (this.abort.signal.aborted) return;
      this.passSince = this.clock.steady();
      try {
        const away = await this.mirror.fetch();
        if (away) throw away;
        const { runs } = this.mirror;
        const tip = await runs.tip();
        const problem = tip === undefined ? runs.missingText : undefined;
        if (problem !== undefined && problem !== this.polled.problem)
          this.log.warn({ reason: problem }, 'the branch is not followed now');
        this.polled = { tip, lastPoll: this.clock.wall(), problem };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (this.abort.signal.aborted) return;
        this.polled = { ...this.polled, problem: reason };
        this.log.warn({ reason }, 'fetch failed; will retry');
      } finally {
        this.passSince = undefined;
      }
    });
    return this.under;
  }
}
