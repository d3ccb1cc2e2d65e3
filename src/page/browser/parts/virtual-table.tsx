import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useMedia } from '../draw/canvas.ts';
import { said } from '../words.ts';

export interface Column<Row> {
  name: string;
  label: string;
  /** Without, nobody can sort by it. */
  compare?: (a: Row, b: Row) => number;
  cell: (row: Row) => ComponentChildren;
}

interface VirtualTableProps<Row extends { key: string }> {
  label: string;
  /** Of the style sheet: how wide the columns are. */
  kind: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  /** What comes first before anybody sorts, and decides between equals. */
  order: (a: Row, b: Row) => number;
  empty: string;
}

/** As the style sheet has them: rows of one height, so that it is known which are seen. */
const ROW = { wide: 36, narrow: 64 };
const NARROW = '(max-width: 45rem)';
/** Rows above and below what is seen, so that none is missing while one scrolls. */
const SPARE = 6;
const SEEN_AT_FIRST = 12;

/** A table of thousands of rows, of which those are there that are seen. On paper there are all. */
export function VirtualTable<Row extends { key: string }>(props: VirtualTableProps<Row>) {
  const { label, kind, rows, columns, order, empty } = props;
  const [sort, setSort] = useState<{ name: string; isDown: boolean }>();
  const box = useRef<HTMLDivElement>(null);
  const { first, count } = useSeen(box);
  const isPrinted = useMedia('print');
  const height = useMedia(NARROW) ? ROW.narrow : ROW.wide;
  const by = columns.find(({ name }) => name === sort?.name)?.compare;
  const sorted = useMemo(() => {
    const direction = sort?.isDown === true ? -1 : 1;
    return rows.toSorted((a, b) => (by ? direction * by(a, b) : 0) || order(a, b));
  }, [rows, by, sort, order]);
  const from = isPrinted ? 0 : Math.max(0, Math.min(Math.floor(first / height) - SPARE, rows.length - 1));
  const shown = isPrinted ? sorted : sorted.slice(from, from + Math.ceil(count / height) + 2 * SPARE);
  const below = isPrinted ? 0 : (rows.length - from - shown.length) * height;
  return (
    <div class={`table table-${kind}`} role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div class="table-head" role="row" aria-rowindex={1}>
        {columns.map((it) => (
          <Head key={it.name} column={it} sort={sort} setSort={setSort} />
        ))}
      </div>
      <div
        ref={box}
        class="table-body"
        role="rowgroup"
        tabIndex={0}
        aria-label={`${label}: arrow keys go from row to row`}
        onKeyDown={goThrough}
      >
        <div class="table-space" aria-hidden="true" style={{ height: `${from * height}px` }} />
        {shown.map((row, i) => (
          <div key={row.key} class="table-row" role="row" aria-rowindex={from + i + 2}>
            {columns.map(({ name, cell }) => (
              <div key={name} class={`cell-${name}`} role="cell">
                {cell(row)}
              </div>
            ))}
          </div>
        ))}
        <div class="table-space" aria-hidden="true" style={{ height: `${below}px` }} />
      </div>
      {rows.length === 0 && <p class="empty">{empty}</p>}
    </div>
  );
}

/**
 * Links in rows are reached by arrow keys: by the Tab key it would take thousands of steps to pass the table. A row that is scrolled
 * away is gone, so whoever leafs through them does so with the focus on the table.
 */
function goThrough(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const { key, currentTarget: table } = event;
  if (['PageDown', 'PageUp', 'Home', 'End'].includes(key)) table.focus({ preventScroll: true });
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return;
  const rows = [...table.querySelectorAll<HTMLElement>('.table-row')];
  const at = rows.findIndex((it) => it.contains(document.activeElement));
  const { top } = table.getBoundingClientRect();
  const seen = rows.findIndex((it) => it.getBoundingClientRect().top >= top);
  const to = at < 0 ? seen : at + (key === 'ArrowDown' ? 1 : -1);
  const link = rows[to]?.querySelector('a');
  if (!link) return;
  event.preventDefault();
  link.focus();
}

interface HeadProps<Row> {
  column: Column<Row>;
  sort: { name: string; isDown: boolean } | undefined;
  setSort: (sort: { name: string; isDown: boolean } | undefined) => void;
}

/** Up, down, and as it was. */
function Head<Row>({ column: { name, label, compare }, sort, setSort }: HeadProps<Row>) {
  const isDown = sort?.name === name ? sort.isDown : undefined;
  const turn = () => setSort(isDown === true ? undefined : { name, isDown: isDown === false });
  const order = isDown === undefined ? 'none' : isDown ? 'descending' : 'ascending';
  return (
    <div class={`cell-${name}`} role="columnheader" aria-sort={order}>
      {compare ? (
        <button type="button" class={`sort sort-${order}`} onClick={turn}>
          {label}
        </button>
      ) : (
        label
      )}
    </div>
  );
}

/** How far one has scrolled, and how much is seen, in pixels. */
function useSeen(box: { current: HTMLElement | null }) {
  const [seen, setSeen] = useState({ first: 0, count: SEEN_AT_FIRST * ROW.wide });
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const look = () => setSeen({ first: element.scrollTop, count: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [box]);
  return seen;
}

/** A link within a row, which arrow keys lead to. */
export function RowLink({ to, name }: { to: string; name: string }) {
  return (
    <a href={to} tabIndex={-1}>
      {said(name)}
    </a>
  );
}
