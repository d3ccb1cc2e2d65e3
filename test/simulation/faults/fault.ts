/** A mistake that was in the code once, or could be: brought back into a copy of it, to see whether the simulation finds it. */
export interface Fault {
  /** What goes wrong, for people. */
  what: string;
  /** Texts of source files, each there exactly once, and what takes their place. */
  changes: readonly Change[];
  /** Which histories are tried; those of `run.ts` from seed 1 on when absent. */
  tried?: Tried;
}

export interface Change {
  file: string;
  from: string;
  to: string;
}

export interface Tried {
  /** Every plan for each write and each state of each kind of rollout, instead of chance. */
  sweep?: boolean;
  /** Only those whose names have this text, to save time: it is some seven thousand otherwise. */
  of?: string;
  /** With a real repository. */
  git?: boolean;
  /** The cluster comes back from a backup in each of them. */
  restored?: boolean;
  seed?: number;
  histories?: number;
}
