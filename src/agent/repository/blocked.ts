import type { Logger } from '../logger.ts';

/** Why nothing begins in this cluster, though the repository can be used. The log tells of each change. */
export class Blocked {
  #reason: string | undefined;
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  set(reason: string | undefined): void {
    if (this.#reason === reason) return;
    this.#reason = reason;
    if (reason !== undefined) this.#log.error({ reason, ready: false }, 'no run is started');
    else this.#log.info({}, 'runs are started again');
  }
}
