import type { RunsHead, RunState, SearchQuery } from '../../../api/page.ts';
import { amend } from '../navigation.ts';
import { withQuery } from '../route.ts';
import { said } from '../words.ts';

export type RunFilters = Omit<SearchQuery, 'cursor'>;

const STATES: readonly RunState[] = [
  'Running',
  'Pending',
  'Waiting',
  'Failed',
  'Invalid',
  'Cancelled',
  'Completed',
];

/** The filters that an address has. */
export function filtersIn(query: URLSearchParams): RunFilters {
  const state = STATES.find((it) => it === query.get('state'));
  const [cluster, person, text] = ['cluster', 'person', 'text'].map((name) => query.get(name) ?? '');
  return {
    ...(state !== undefined && { state }),
    ...(cluster && { cluster }),
    ...(person && { person }),
    ...(text && { text }),
  };
}

export function hasFilters(filters: RunFilters): boolean {
  return Object.keys(filters).length > 0;
}

/** The filter is in the address, so that a view can be sent to somebody. */
export function Filters({ filters, head }: { filters: RunFilters; head: RunsHead }) {
  const set = (change: { [Name in keyof RunFilters]?: string }) => {
    amend(withQuery('/', { ...filters, ...change }));
  };
  const choice = (
    name: 'state' | 'cluster' | 'person',
    label: string,
    all: string,
    options: readonly string[],
  ) => (
    <Choice
      label={label}
      all={all}
      value={filters[name]}
      options={options}
      set={(value) => set({ [name]: value })}
    />
  );
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label class="grows">
        <span class="hidden">Search</span>
        <input
          type="search"
          placeholder="Search in paths, people, definitions, messages, causes"
          value={filters.text ?? ''}
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
      </label>
      {choice('state', 'State', 'All states', STATES)}
      {head.clusters.length > 1 && choice('cluster', 'Cluster', 'All clusters', head.clusters)}
      {head.people.length > 0 && choice('person', 'Person', 'Everybody', head.people)}
      {hasFilters(filters) && (
        <a class="button" href="/">
          Clear
        </a>
      )}
    </form>
  );
}

interface ChoiceProps {
  label: string;
  all: string;
  value: string | undefined;
  options: readonly string[];
  set: (value: string) => void;
}

function Choice({ label, all, value = '', options, set }: ChoiceProps) {
  // An address may name what is no more.
  const shown = value === '' || options.includes(value) ? options : [value, ...options];
  return (
    <label>
      <span class="hidden">{label}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">{all}</option>
        {shown.map((it) => (
          <option key={it} value={it}>
            {said(it)}
          </option>
        ))}
      </select>
    </label>
  );
}
