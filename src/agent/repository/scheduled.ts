import { formatProblem } from '../../api/schema.ts';
import { scheduledMessage } from '../../core/runs/message.ts';
import type { Logger } from '../logger.ts';
import type { Scheduler } from './scheduler.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';

export interface ScheduledDeps {
  scheduler: Scheduler;
  repository: TrackedRepository;
  log: Logger;
  now: () => Date;
  skipCi: boolean;
}

/** Adds the run files that schedules ask for. */
export class Scheduled {
  readonly #deps: ScheduledDeps;
  #toldBroken = '';

  constructor(deps: ScheduledDeps) {
    this.#deps = deps;
  }

  async add(snapshot: Snapshot): Promise<void> {
    this.#tellBroken(snapshot);
    const { scheduler, repository, log, now, skipCi } = this.#deps;
    const files = await scheduler.due(snapshot, now().getTime());
    if (files.size === 0) return;
    const runs = [...files.keys()];
    await repository.push(repository.mirror.runs, files, scheduledMessage(runs, skipCi));
    log.info({ runs }, 'scheduled runs added');
  }

  /** Nobody is answered for a definition or a schedule that cannot be read, so the log says it, once. */
  #tellBroken({ definitions, definitionsKey }: Snapshot): void {
    if (this.#toldBroken === definitionsKey) return;
    this.#toldBroken = definitionsKey;
    for (const { path, result } of definitions) {
      if (result.ok) continue;
      const problems = result.problems.map(formatProblem);
      this.#deps.log.warn({ path, problems }, 'definition cannot be read');
    }
  }
}
