import type { RunState } from '../../../api/page.ts';
import type { Phase, Tone } from '../words.ts';

/** Shapes on a square of 16: what colour says is said by shape as well. */

const DISC = 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12z';
const HOLE = 'M8 5.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 1 0 0-5.6z';
const PLAY = 'M3.5 1.8L14 8L3.5 14.2z';
const SQUARE =
  'M3.5 2h9A1.5 1.5 0 0 1 14 3.5v9a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 2 12.5v-9A1.5 1.5 0 0 1 3.5 2z';
const CROSS = 'M2 4.6L4.6 2L8 5.4L11.4 2L14 4.6L10.6 8L14 11.4L11.4 14L8 10.6L4.6 14L2 11.4L5.4 8z';
const DASH = 'M2 6.3h12v3.4H2z';
const DOT = 'M8 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6z';

export const PHASE_SHAPES: Readonly<Record<Phase, string>> = {
  Pending: DOT,
  Preflight: DISC + HOLE,
  Draining: 'M1.8 3.5L14.2 3.5L8 14z',
  Running: PLAY,
  Rebooting: 'M8 1L15 8L8 15L1 8z',
  Postflight: DISC,
  Completed: SQUARE,
  Failed: CROSS,
  Cancelled: DASH,
};

/** What stands at a whole rather than at a node. */
const PAUSE = 'M3.5 2.5h3.4v11H3.5zM9.1 2.5h3.4v11H9.1z';
const CLOCK = 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13zM7.2 4.2v4.2l2.9 2.3l.9-1.2l-2.2-1.8V4.2z';
const WARNING = 'M8 1.2L15.2 14.2H.8zM7.2 5.8v4.2h1.6V5.8zM7.2 11.2v1.6h1.6v-1.6z';

export const TONE_SHAPES: Readonly<Record<Tone | 'warning', string>> = {
  wait: CLOCK,
  flight: PLAY,
  done: SQUARE,
  failed: CROSS,
  held: PAUSE,
  gone: DASH,
  warning: WARNING,
};

export const STATE_TONES: Readonly<Record<RunState, Tone>> = {
  Waiting: 'wait',
  Pending: 'wait',
  Running: 'flight',
  Completed: 'done',
  Failed: 'failed',
  Cancelled: 'gone',
  Invalid: 'failed',
};
