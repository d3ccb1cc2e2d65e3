import type { PageEvents, PageViews, ViewName } from '../../../api/page.ts';

/** A view as it is known: its rows by their key. */
export interface Known<Name extends ViewName> {
  head: PageViews[Name]['head'];
  rows: ReadonlyMap<string, PageViews[Name]['rows'][number]>;
}

export function fromSnapshot<Name extends ViewName>({
  head,
  rows,
}: PageEvents<Name>['snapshot']): Known<Name> {
  return { head, rows: new Map(rows.map((row) => [row.key, row])) };
}

export function withChange<Name extends ViewName>(
  known: Known<Name>,
  { head, upserts = [], gone = [] }: PageEvents<Name>['change'],
): Known<Name> {
  if (upserts.length === 0 && gone.length === 0) return { head: head ?? known.head, rows: known.rows };
  const rows = new Map(known.rows);
  for (const row of upserts) rows.set(row.key, row);
  for (const key of gone) rows.delete(key);
  return { head: head ?? known.head, rows };
}
