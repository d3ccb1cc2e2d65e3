import type { RunRow, RunsHead, RunState } from '../../../api/page.ts';
import { Actions } from '../parts/actions.tsx';
import { Filters, filtersIn, hasFilters } from '../parts/filters.tsx';
import { Needs } from '../parts/needs.tsx';
import { RunList } from '../parts/run-list.tsx';
import { useView } from '../live/use-view.ts';
import { counted, isOver, said } from '../words.ts';
import { Found } from './found.tsx';
import { Coming, Nowhere } from './nowhere.tsx';
import { PageTitle } from './page-title.tsx';

export function RunsView({ query }: { query: URLSearchParams }) {
  const { known, over } = useView('runs');
  if (over !== undefined) return <Nowhere message={over} />;
  if (known === undefined) return <Coming title="Runs" />;
  const { head, rows } = known;
  const filters = filtersIn(query);
  return (
    <div class="view">
      <PageTitle title="Runs" />
      {!hasFilters(filters) && <Needs needs={head.needsYou} />}
      <Filters filters={filters} head={head} />
      {hasFilters(filters) ? (
        <Found filters={filters} rows={rows} newest={head.total} />
      ) : (
        <Newest head={head} rows={[...rows.values()]} />
      )}
      <Actions actions={head.actions} />
    </div>
  );
}

/** What is under way first, then the newest of what is over; more is found by looking for it. */
function Newest({ head, rows }: { head: RunsHead; rows: RunRow[] }) {
  if (rows.length === 0) return <NoRuns head={head} />;
  const newest = rows.toSorted((a, b) => lastOf(b) - lastOf(a) || (a.key < b.key ? -1 : 1));
  const open = newest.filter(({ state }) => !isOver(state)).toSorted((a, b) => placeOf(a) - placeOf(b));
  const ended = newest.filter(({ state }) => isOver(state));
  return (
    <>
      {open.length > 0 && <RunList title="Open" runs={open} />}
      {ended.length > 0 && <RunList title="Over" runs={ended} older={{ known: rows, total: head.total }} />}
      <Reports head={head} />
    </>
  );
}

/** What works on nodes comes before what will. */
const PLACES: readonly RunState[] = ['Running', 'Pending', 'Waiting'];

function placeOf({ state }: RunRow): number {
  return PLACES.indexOf(state);
}

function lastOf({ finishedAt, startedAt, mergedAt }: RunRow): number {
  return finishedAt ?? startedAt ?? mergedAt ?? 0;
}

function Reports({ head }: { head: RunsHead }) {
  const { reports, total, passedOver } = head;
  const words = {
    none: 'Runs of this cluster; old reports lie in the repository.',
    reading: `${counted(total, 'run')} so far; old reports are still being read.`,
    read: `${counted(total, 'run')} altogether.`,
  };
  return (
    <p class="muted">
      {words[reports]} {passedOver !== undefined && said(passedOver)}
    </p>
  );
}

function NoRuns({ head }: { head: RunsHead }) {
  return (
    <div class="empty">
      <h2>No runs yet</h2>
      <p>
        Merge a file under <code>runs/</code> into the repository: each new file is one run, and appears here.
      </p>
      <Reports head={head} />
    </div>
  );
}
