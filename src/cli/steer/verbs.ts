import { ANNOTATION_CANCEL, ANNOTATION_HOLD } from '../../api/labels.ts';

export type Verb = 'suspend' | 'resume' | 'cancel';

interface Effect {
  description: string;
  /** What is done to the run file: it is given that `suspend`, or removed. */
  inFile: { suspend: boolean } | 'remove';
  /** What the edit means once it is merged. */
  merged: string;
  annotations: (reason: string) => Record<string, string | null>;
  /** What happens in the cluster. */
  now: string;
}

/** What each does to the file, or to the NodeOp, and what comes of it. */
export const VERBS: Readonly<Record<Verb, Effect>> = {
  suspend: {
    description: 'start no new node of a run, until it is resumed',
    inFile: { suspend: true },
    merged: 'no new node starts then, and those in flight finish',
    annotations: (reason) => ({ [ANNOTATION_HOLD]: reason }),
    now: 'is held: no new node starts, and those in flight finish',
  },
  resume: {
    description: 'let a run go on that was suspended',
    inFile: { suspend: false },
    merged: 'it goes on then',
    annotations: () => ({ [ANNOTATION_HOLD]: null }),
    now: 'is held no more; what its run file says of suspend counts',
  },
  cancel: {
    description: 'end a run: nodes whose command has not begun are left as they were, the others finish',
    inFile: 'remove',
    merged:
      'a run that has not begun never will then; of one that goes on no new node starts, and those whose command runs finish',
    annotations: (reason) => ({ [ANNOTATION_CANCEL]: reason }),
    now: 'is cancelled: nodes whose command has not begun are left as they were, the others finish',
  },
};
