import type { NodeCounts } from '../../../api/page.ts';
import { TONE_SHAPES } from '../draw/shapes.ts';
import { countsWords } from '../words.ts';
import { Shape } from './state.tsx';

/** What became of a run's nodes, as parts of a bar. */
export function Bar({ counts }: { counts: NodeCounts | undefined }) {
  if (counts === undefined || counts.total === 0) return <div class="bar bar-empty" />;
  const { completed, inFlight, failed, cancelled, pending, total } = counts;
  const parts = [
    ['done', completed],
    ['failed', failed],
    ['gone', cancelled],
    ['flight', inFlight],
    ['wait', pending],
  ] as const;
  const shown = parts.filter(([, count]) => count > 0);
  return (
    <div class="bar" role="img" aria-label={countsWords(counts)}>
      {shown.map(([tone, count]) => (
        // A single node of thousands is seen as well.
        <span key={tone} class={`tone-${tone}`} style={{ flexGrow: Math.max(count / total, 0.006) }} />
      ))}
    </div>
  );
}

interface TallyProps {
  counts: NodeCounts | undefined;
  /** Numbers and shapes alone, where there is room for no more; the bar beside them says it in words. */
  isShort?: boolean;
}

/** The same in numbers. */
export function Tally({ counts, isShort = false }: TallyProps) {
  if (counts === undefined) return <p class="tally muted">no nodes known yet</p>;
  const { completed, inFlight, failed, cancelled, total } = counts;
  const parts = [
    ['failed', failed, 'failed'],
    ['flight', inFlight, 'in flight'],
    ['gone', cancelled, 'cancelled'],
  ] as const;
  return (
    <p class="tally" aria-hidden={isShort}>
      <span>
        <b>{completed.toLocaleString('en')}</b> of {total.toLocaleString('en')}
      </span>
      {parts.map(
        ([tone, count, word]) =>
          count > 0 && (
            <span key={tone} class={`tone-${tone}`} title={isShort ? word : undefined}>
              <Shape path={TONE_SHAPES[tone]} />
              {count.toLocaleString('en')} {!isShort && word}
            </span>
          ),
      )}
    </p>
  );
}
