import { expect, test } from 'vitest';
import type { NodesHead, NodesRow } from '../../src/api/page.ts';
import { fromSnapshot, withChange } from '../../src/page/browser/live/changes.ts';

const head: NodesHead = { total: 2, ready: 2, cordoned: 0, leftCordoned: 0 };
const row = (key: string, ready = true): NodesRow => ({ key, ready, cordoned: false });
const known = fromSnapshot<'nodes'>({ head, rows: [row('a'), row('b')] });

test('rows are added, changed and gone; those in neither list stay as they were, and in their place', () => {
  const next = withChange<'nodes'>(known, { upserts: [row('c'), row('a', false)], gone: ['b'] });
  expect([...next.rows.values()]).toEqual([row('a', false), row('c')]);
  expect(next.head).toBe(head);
  expect([...known.rows.keys()]).toEqual(['a', 'b']);
});

test('a head alone leaves the rows the same, so that nothing is drawn anew', () => {
  const next = withChange<'nodes'>(known, { head: { ...head, ready: 1 } });
  expect(next.head.ready).toBe(1);
  expect(next.rows).toBe(known.rows);
});
