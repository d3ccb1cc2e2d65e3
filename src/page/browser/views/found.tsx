import type { RunRow } from '../../../api/page.ts';
import type { RunFilters } from '../parts/filters.tsx';
import { Run } from '../parts/run-list.tsx';
import { useSearch } from '../live/use-search.ts';
import { counted, said } from '../words.ts';

interface FoundProps {
  filters: RunFilters;
  /** What is live of all runs. */
  rows: ReadonlyMap<string, RunRow>;
  newest: number;
}

/** What the filters let through of all runs, also of those whose reports are years old. */
export function Found({ filters, rows, newest }: FoundProps) {
  // What fits may be another selection once a run is new, or stands otherwise.
  const occasion = `${newest} ${[...rows.values()].map(({ state }) => state).join(' ')}`;
  const { answer, problem, isStale, more } = useSearch(filters, occasion);
  if (problem !== undefined) return <p class="empty tone-failed">{said(problem)}</p>;
  if (answer === undefined) return <div class="coming" aria-busy="true" />;
  const reading = answer.reading ? '; old reports are still being read' : '';
  return (
    <section class="runs" aria-busy={isStale}>
      <h2>
        <span role="status">
          {counted(answer.found, 'run')} of {answer.total.toLocaleString('en')}
          {reading}
        </span>
      </h2>
      <ol>
        {answer.rows.map((run) => (
          <Run key={run.key} run={rows.get(run.key) ?? run} />
        ))}
      </ol>
      {answer.found === 0 && (
        <p class="empty">
          No run fits. <a href="/">Show all runs</a>
        </p>
      )}
      {answer.next !== undefined && (
        <button type="button" onClick={more}>
          Show older runs
        </button>
      )}
    </section>
  );
}
