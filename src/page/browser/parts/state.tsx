import type { RunRow } from '../../../api/page.ts';
import { PHASE_SHAPES, STATE_TONES, TONE_SHAPES } from '../draw/shapes.ts';
import { type Phase, PHASE_TONES, type Tone } from '../words.ts';

export function Shape({ path }: { path: string }) {
  return (
    <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} fill-rule="evenodd" />
    </svg>
  );
}

/** How something stands: a word with a colour and a shape. */
export function Sign({ tone, word, path }: { tone: Tone; word: string; path: string }) {
  return (
    <span class={`sign tone-${tone}`}>
      <Shape path={path} />
      {word}
    </span>
  );
}

export function PhaseSign({ phase }: { phase: Phase }) {
  return <Sign tone={PHASE_TONES[phase]} word={phase} path={PHASE_SHAPES[phase]} />;
}

export function RunSign({ run }: { run: Pick<RunRow, 'state' | 'stuck'> }) {
  const { state, stuck = false } = run;
  if (stuck) return <Sign tone="held" word={`${state}, held up`} path={TONE_SHAPES.held} />;
  const tone = STATE_TONES[state];
  return <Sign tone={tone} word={state} path={TONE_SHAPES[state === 'Invalid' ? 'warning' : tone]} />;
}
