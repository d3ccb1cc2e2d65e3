import type { CheckView, StepView } from '../../../api/page.ts';
import { useNow } from '../clock.ts';
import { TONE_SHAPES } from '../draw/shapes.ts';
import { lasting, said, type Tone } from '../words.ts';
import { Shape } from './state.tsx';
import { Since } from './time.tsx';

const TONES: Readonly<Record<StepView['phase'], Tone>> = {
  Pending: 'wait',
  Running: 'flight',
  Soaking: 'held',
  Checking: 'flight',
  AwaitingApproval: 'held',
  Passed: 'done',
  Failed: 'failed',
  Cancelled: 'gone',
};

/** Steps in their order, with how long each is still watched, and what its checks saw. */
export function Steps({ steps }: { steps: readonly StepView[] }) {
  if (steps.length === 0) return null;
  return (
    <section aria-labelledby="steps">
      <h2 id="steps">Steps</h2>
      <ol class="steps">
        {steps.map((it) => (
          <Step key={it.name} step={it} />
        ))}
      </ol>
    </section>
  );
}

function Step({ step }: { step: StepView }) {
  const { name, phase, text, nodes, finished, failed, since, soakEnds, checks } = step;
  const tone = TONES[phase];
  return (
    <li class={`step is-${phase.toLowerCase()}`}>
      <p class="step-head">
        <span class={`tone-${tone}`}>
          <Shape path={phase === 'Soaking' ? TONE_SHAPES.wait : TONE_SHAPES[tone]} />
        </span>
        <b>{name}</b>
        <span class="muted">
          {finished} of {nodes}
          {failed > 0 && <span class="tone-failed"> · {failed} failed</span>}
        </span>
      </p>
      <div class="step-done" aria-hidden="true">
        <span class="tone-done" style={{ flexGrow: finished - failed }} />
        <span class="tone-failed" style={{ flexGrow: failed }} />
        <span style={{ flexGrow: nodes - finished }} />
      </div>
      <p class="step-text">{said(withoutName(text, name))}</p>
      {soakEnds !== undefined && <SoakClock from={since} to={soakEnds} />}
      {checks.length > 0 && (
        <ul class="checks">
          {checks.map((it) => (
            <Check key={it.name} check={it} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Its name stands above it. */
function withoutName(text: string, name: string): string {
  return text.startsWith(`${name} `) ? text.slice(name.length + 1) : text;
}

/** A ring that fills as the time passes. */
function SoakClock({ from, to }: { from: number | undefined; to: number }) {
  const now = useNow();
  const left = Math.max(to - now, 0);
  const part = from === undefined || to <= from ? 1 : Math.min(Math.max((now - from) / (to - from), 0), 1);
  return (
    <p class="soak">
      <svg viewBox="0 0 36 36" aria-hidden="true">
        <circle class="soak-whole" cx="18" cy="18" r="15" />
        <circle
          class="soak-part"
          cx="18"
          cy="18"
          r="15"
          pathLength={100}
          stroke-dasharray={`${part * 100} 100`}
        />
      </svg>
      <span role="timer">{left === 0 ? 'watched long enough' : `watched for ${lasting(left)} more`}</span>
    </p>
  );
}

function Check({ check }: { check: CheckView }) {
  const { name, phase, message, saw, since } = check;
  return (
    <li class={`check is-${phase.toLowerCase()}`}>
      <b>{said(name)}</b> {phase.toLowerCase()}
      {since !== undefined && (
        <>
          {' '}
          for <Since time={since} />
        </>
      )}
      <span class="muted">
        {message !== undefined && `: ${said(message)}`}
        {saw !== undefined && (
          <>
            {message === undefined ? ': saw ' : ', saw '}
            <code>{said(saw)}</code>
          </>
        )}
      </span>
    </li>
  );
}
