import { useEffect, useState } from 'preact/hooks';
import type { ViewName } from '../../../api/page.ts';
import { withQuery } from '../route.ts';
import { Follower, type Seen } from './follow.ts';
import { top } from './top.ts';

/** What is known of a view, live. */
export function useView<Name extends ViewName>(
  view: Name,
  query: Readonly<Record<string, string | undefined>> = {},
): Seen<Name> {
  const url = withQuery('/page/events', { view, ...query });
  const [seen, setSeen] = useState<{ url: string } & Seen<Name>>({ url });
  useEffect(() => {
    const follower = new Follower<Name>(url, (it) => {
      if (it.known) top.set(it.known.head);
      setSeen({ url, ...it });
    });
    return () => follower.end();
  }, [url]);
  // What is left of the view before is not this one's.
  return seen.url === url ? seen : {};
}
