import type { NodeCounts } from '../../../api/page.ts';
import { countsWords } from '../words.ts';

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

/** The same in short words, which take the same room however they change. */
export function Tally({ counts }: { counts: NodeCounts | undefined }) {
  if (counts === undefined) return <p class="tally muted">no nodes known yet</p>;
  const { completed, inFlight, failed, cancelled, total } = counts;
  return (
    <p class="tally">
      <b>{completed.toLocaleString('en')}</b> of {total.toLocaleString('en')}
      {failed > 0 && <span class="tone-failed"> · {failed} failed</span>}
      {inFlight > 0 && <span class="tone-flight"> · {inFlight} in flight</span>}
      {cancelled > 0 && <span class="tone-gone"> · {cancelled} cancelled</span>}
    </p>
  );
}
