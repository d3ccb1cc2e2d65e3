import { apiVersionOf } from '../resources.ts';
import { StatusError } from '../store/errors.ts';
import type { Obj } from '../store/object.ts';
import type { Matcher } from '../store/selectors.ts';
import type { Store, StoreEvent } from '../store/store.ts';
import type { ApiResponse, Target } from './request.ts';
import { table, type TableFormat } from './table.ts';

/** Streams what happens to the objects of a type to one who asked, from where they asked. */
export function watch(
  { store, bookmarkMs }: { store: Store; bookmarkMs: number },
  response: ApiResponse,
  url: URL,
  target: Target,
  matcher: Matcher,
  format: TableFormat | undefined,
): void {
  const { clock } = store;
  const asked = url.searchParams.get('resourceVersion') ?? '';
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  const write = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
  const inScope = (object: Obj) =>
    (target.namespace === undefined || object.metadata.namespace === target.namespace) && matcher(object);
  const listener = ({ type, object, before }: StoreEvent) => {
    const event = transition(type, inScope(object), before !== undefined && inScope(before));
    if (event) write(event, format ? table(format, [object]) : object);
  };
  let stop = () => {};
  try {
    if (asked === '' || asked === '0') {
      for (const object of store.all(target.key))
        if (inScope(object)) write('ADDED', format ? table(format, [object]) : object);
    }
    stop = store.watch(target.key, asked === '' || asked === '0' ? undefined : Number(asked), listener);
  } catch (error) {
    const body = error instanceof StatusError ? error.body : { code: 500 };
    write('ERROR', { kind: 'Status', apiVersion: 'v1', status: 'Failure', ...body });
    response.end();
    return;
  }
  let cancelBookmark = () => {};
  const bookmark = () => {
    const object = {
      kind: target.type.kind,
      apiVersion: apiVersionOf(target.type),
      metadata: { resourceVersion: String(store.version) },
    };
    write('BOOKMARK', object);
    cancelBookmark = clock.after(bookmarkMs, bookmark);
  };
  if (url.searchParams.get('allowWatchBookmarks') === 'true')
    cancelBookmark = clock.after(bookmarkMs, bookmark);
  const seconds = Number(url.searchParams.get('timeoutSeconds') ?? 1800);
  const cancelEnd = clock.after(seconds * 1000, () => response.end());
  response.on('close', () => {
    cancelBookmark();
    cancelEnd();
    stop();
  });
}

/** What a change means to a watcher that only sees what its selectors let through. */
function transition(type: StoreEvent['type'], now: boolean, before: boolean): StoreEvent['type'] | undefined {
  if (type === 'DELETED') return now || before ? 'DELETED' : undefined;
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}
