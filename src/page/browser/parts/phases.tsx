import type { NodeHead } from '../../../api/page.ts';
import { useNow } from '../clock.ts';
import { shortMoment } from '../words.ts';
import { PhaseSign } from './state.tsx';
import { Since } from './time.tsx';

/** The phases of a node, one after the other. */
export function Phases({ phases }: { phases: NonNullable<NodeHead['phases']> }) {
  const now = useNow(true);
  return (
    <ol class="phases" aria-label="Phase by phase">
      {phases.map(({ phase, from, until }) => (
        <li key={phase}>
          <PhaseSign phase={phase} />
          <span>
            <Since time={from} until={until} />
            {until === undefined && ' so far'}
          </span>
          <span class="muted">from {shortMoment(from, now, true)}</span>
        </li>
      ))}
    </ol>
  );
}
