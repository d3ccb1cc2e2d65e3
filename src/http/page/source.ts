import type {
  Keyed,
  LogAnswer,
  RunDetails,
  SearchAnswer,
  SearchQuery,
  View,
  ViewName,
} from '../../api/page.ts';
import type { Sees } from '../../core/page/sees.ts';

/** Which run or node a view is of. */
export interface AskedFor {
  run?: string | undefined;
  node?: string | undefined;
}

/** What the page shows, for whoever may see it. */
export interface PageSource {
  /** Undefined when there is no such thing. */
  view: (name: ViewName, asked: AskedFor, sees: Sees) => Promise<View<unknown, Keyed> | undefined>;
  /** Told of whatever may change a view, until it is called. */
  watch: (onChange: () => void) => () => void;
  search: (query: SearchQuery, sees: Sees) => Promise<SearchAnswer>;
  details: (run: string, sees: Sees) => Promise<RunDetails | undefined>;
  log: (run: string, node: string, sees: Sees) => Promise<LogAnswer | undefined>;
}
