import { formatProblem, type Problem } from './schema.ts';

/** People must change something: a file, the configuration, a name. Trying again cannot help. */
export class InvalidError extends Error {
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[] = [], options?: ErrorOptions) {
    super([message, ...problems.map((it) => `  ${formatProblem(it)}`)].join('\n'), options);
    this.name = 'InvalidError';
    this.problems = problems;
  }
}

/** Something outside is away or slow; the caller tries again later, with backoff. */
export class TransientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransientError';
  }
}

/** The remote does not answer; nothing of what is here is at fault. */
export class AwayError extends TransientError {
  constructor(reason: unknown) {
    super(reason instanceof Error ? reason.message : String(reason), { cause: reason });
    this.name = 'AwayError';
  }
}

/** A git command failed that needs nothing but the clone: most likely the clone is broken. */
export class LocalGitError extends TransientError {
  /** How git itself ended; undefined when it was killed, or never began. */
  readonly exitCode: number | undefined;

  constructor(message: string, exitCode?: number) {
    super(message);
    this.name = 'LocalGitError';
    this.exitCode = exitCode;
  }
}

/** The host took no push; its message begins with the host's words. People have to change something there or here. */
export class RefusedError extends TransientError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RefusedError';
  }
}
