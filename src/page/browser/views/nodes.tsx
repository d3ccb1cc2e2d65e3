import { useMemo } from 'preact/hooks';
import type { NodesHead, NodesRow } from '../../../api/page.ts';
import { ranks } from '../draw/order.ts';
import { TONE_SHAPES } from '../draw/shapes.ts';
import { useView } from '../live/use-view.ts';
import { amend } from '../navigation.ts';
import { RowSearch } from '../parts/row-search.tsx';
import { PhaseSign, Sign } from '../parts/state.tsx';
import { Ago } from '../parts/time.tsx';
import { type Column, RowLink, VirtualTable } from '../parts/virtual-table.tsx';
import { nodePath, runPath, withQuery } from '../route.ts';
import { counted, said } from '../words.ts';
import { Coming, Nowhere } from './nowhere.tsx';
import { PageTitle } from './page-title.tsx';

const search = (text: string) => amend(withQuery('/nodes', { text }));

export function NodesView({ query }: { query: URLSearchParams }) {
  const { known, over } = useView('nodes');
  const text = query.get('text') ?? '';
  const rows = known?.rows;
  const all = useMemo(() => [...(rows?.values() ?? [])], [rows]);
  const { columns, order } = useMemo(() => columnsFor(ranks(all.map(({ key }) => key))), [all]);
  const shown = useMemo(() => all.filter((it) => fits(it, text.trim().toLowerCase())), [all, text]);
  if (known === undefined) return over === undefined ? <Coming title="Nodes" /> : <Nowhere message={over} />;
  return (
    <div class="view">
      <PageTitle title="Nodes" />
      <Counts head={known.head} />
      <section class="panel" aria-label="Nodes">
        <header class="panel-head">
          <RowSearch placeholder="Search in names, reasons, runs" text={text} setText={search}>
            {shown.length === all.length ? '' : `${shown.length} of ${counted(all.length, 'node')}`}
          </RowSearch>
        </header>
        <VirtualTable
          label="Nodes"
          kind="nodes"
          rows={shown}
          columns={columns}
          order={order}
          empty={all.length === 0 ? 'The cluster has no nodes.' : 'No node fits.'}
        />
      </section>
    </div>
  );
}

function Counts({ head: { total, ready, cordoned, leftCordoned } }: { head: NodesHead }) {
  const counts: [string, number, string][] = [
    ['nodes', total, ''],
    ['not Ready', total - ready, 'failed'],
    ['cordoned', cordoned, 'held'],
    ['left cordoned', leftCordoned, 'failed'],
  ];
  return (
    <dl class="counts">
      {counts.map(([label, count, tone]) => (
        <div key={label} class={count > 0 && tone !== '' ? `tone-${tone}` : ''}>
          <dt>{label}</dt>
          <dd>{count.toLocaleString('en')}</dd>
        </div>
      ))}
    </dl>
  );
}

function fits({ key, cordon = '', zone = '', last }: NodesRow, wanted: string): boolean {
  if (wanted === '') return true;
  const words = [key, cordon, zone, last?.name, last?.phase, last?.message];
  return words.join(' ').toLowerCase().includes(wanted);
}

function columnsFor(rank: ReadonlyMap<string, number>) {
  const byName = (a: NodesRow, b: NodesRow) => (rank.get(a.key) ?? 0) - (rank.get(b.key) ?? 0);
  const urgency = ({ leftCordoned = false, ready, cordoned }: NodesRow) =>
    leftCordoned ? 0 : ready ? (cordoned ? 2 : 3) : 1;
  const byState = (a: NodesRow, b: NodesRow) => urgency(a) - urgency(b);
  const columns: Column<NodesRow>[] = [
    {
      name: 'node',
      label: 'Node',
      compare: byName,
      cell: ({ key }) => <RowLink to={nodePath(key)} name={key} />,
    },
    { name: 'phase', label: 'State', compare: byState, cell: (row) => <State row={row} /> },
    {
      name: 'message',
      label: 'Cordoned by whom, and why',
      cell: ({ cordon = '' }) => <span title={said(cordon)}>{said(cordon)}</span>,
    },
    {
      name: 'last',
      label: 'Last operation',
      compare: (a, b) => (b.last?.at ?? 0) - (a.last?.at ?? 0),
      cell: (row) => <Last row={row} />,
    },
    {
      name: 'time',
      label: 'Ready since',
      compare: (a, b) => (b.readySince ?? 0) - (a.readySince ?? 0),
      cell: ({ readySince }) => (readySince === undefined ? '' : <Ago time={readySince} />),
    },
  ];
  return { columns, order: (a: NodesRow, b: NodesRow) => byState(a, b) || byName(a, b) };
}

function State({ row: { ready, cordoned, leftCordoned = false } }: { row: NodesRow }) {
  if (leftCordoned) return <Sign tone="failed" word="left cordoned" path={TONE_SHAPES.gone} />;
  if (!ready) return <Sign tone="failed" word="not Ready" path={TONE_SHAPES.warning} />;
  if (cordoned) return <Sign tone="held" word="cordoned" path={TONE_SHAPES.held} />;
  return <Sign tone="done" word="Ready" path={TONE_SHAPES.done} />;
}

function Last({ row: { last } }: { row: NodesRow }) {
  if (!last) return null;
  return (
    <>
      <PhaseSign phase={last.phase} /> <RowLink to={runPath(last.run)} name={last.name} />
    </>
  );
}
