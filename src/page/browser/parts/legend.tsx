import type { NodeRow } from '../../../api/page.ts';
import { PHASE_SHAPES } from '../draw/shapes.ts';
import { IN_FLIGHT, type Phase, PHASE_TONES } from '../words.ts';
import { Shape } from './state.tsx';

const ORDER: readonly Phase[] = ['Completed', ...IN_FLIGHT, 'Pending', 'Failed', 'Cancelled'];

/** What shapes and colours mean, with how many nodes are in each phase there is. */
export function Legend({ rows }: { rows: ReadonlyMap<string, NodeRow> }) {
  const counts = new Map<Phase, number>();
  for (const { phase } of rows.values()) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return (
    <ul class="legend">
      {ORDER.filter((it) => counts.has(it)).map((phase) => (
        <li key={phase} class={`tone-${PHASE_TONES[phase]}`}>
          <Shape path={PHASE_SHAPES[phase]} />
          {phase} <b>{counts.get(phase)?.toLocaleString('en')}</b>
        </li>
      ))}
    </ul>
  );
}
