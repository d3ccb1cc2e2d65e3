/** What was waited for was stopped: nothing is wrong, and nothing comes any more. */
export class StoppedError extends Error {
  constructor() {
    super('stopped');
    this.name = 'StoppedError';
  }
}
