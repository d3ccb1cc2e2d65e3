import { useMemo, useState } from 'preact/hooks';
import type { NodeRow, RunId } from '../../../api/page.ts';
import { useNow } from '../clock.ts';
import { nodePath } from '../route.ts';
import { counted, isFinished, lasting, type Phase, said } from '../words.ts';
import { RowSearch } from './row-search.tsx';
import { PhaseSign } from './state.tsx';
import { type Column, RowLink, VirtualTable } from './virtual-table.tsx';

interface NodeTableProps {
  run: RunId;
  rows: ReadonlyMap<string, NodeRow>;
  rank: ReadonlyMap<string, number>;
}

/** What somebody looks for comes first. */
const URGENCY: readonly Phase[] = [
  'Failed',
  'Draining',
  'Preflight',
  'Running',
  'Rebooting',
  'Postflight',
  'Cancelled',
  'Pending',
  'Completed',
];

export function NodeTable({ run, rows, rank }: NodeTableProps) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const shown = useMemo(() => [...rows.values()].filter((it) => fits(it, wanted)), [rows, wanted]);
  const { columns, order } = useMemo(() => columnsFor(run, rank), [run, rank]);
  return (
    <section class="panel" aria-labelledby="table">
      <header class="panel-head">
        <h2 id="table">Node by node</h2>
        <RowSearch placeholder="Search in names, phases, messages" text={text} setText={setText}>
          {wanted === '' ? counted(rows.size, 'node') : `${shown.length} of ${counted(rows.size, 'node')}`}
        </RowSearch>
      </header>
      <VirtualTable
        label="Node by node"
        kind="run"
        rows={shown}
        columns={columns}
        order={order}
        empty={rows.size === 0 ? 'No nodes yet: they are chosen when the run begins.' : 'No node fits.'}
      />
    </section>
  );
}

function fits({ key, phase, message = '', step = '', zone = '' }: NodeRow, wanted: string): boolean {
  return wanted === '' || `${key} ${phase} ${step} ${zone} ${message}`.toLowerCase().includes(wanted);
}

function columnsFor(run: RunId, rank: ReadonlyMap<string, number>) {
  const byName = (a: NodeRow, b: NodeRow) => (rank.get(a.key) ?? 0) - (rank.get(b.key) ?? 0);
  const urgency = (it: NodeRow) => URGENCY.indexOf(it.phase);
  const byPhase = (a: NodeRow, b: NodeRow) => urgency(a) - urgency(b);
  const took = (it: NodeRow) => (it.finishedAt ?? Number.MAX_SAFE_INTEGER) - (it.startedAt ?? 0);
  const columns: Column<NodeRow>[] = [
    {
      name: 'node',
      label: 'Node',
      compare: byName,
      cell: ({ key }) => <RowLink to={nodePath(key, run)} name={key} />,
    },
    { name: 'phase', label: 'Phase', compare: byPhase, cell: ({ phase }) => <PhaseSign phase={phase} /> },
    {
      name: 'step',
      label: 'Step',
      compare: (a, b) => (a.step ?? '').localeCompare(b.step ?? ''),
      cell: ({ step = '' }) => step,
    },
    {
      name: 'message',
      label: 'Message',
      compare: (a, b) => (a.message ?? '').localeCompare(b.message ?? ''),
      cell: (row) => <Message row={row} />,
    },
    { name: 'time', label: 'Time', compare: (a, b) => took(a) - took(b), cell: (row) => <Time row={row} /> },
  ];
  return { columns, order: (a: NodeRow, b: NodeRow) => byPhase(a, b) || byName(a, b) };
}

function Message({ row: { message, cordoned = false } }: { row: NodeRow }) {
  const text = message === undefined ? '' : said(message);
  return (
    <span title={text}>
      {cordoned && <span class="tag tone-failed">cordoned</span>} {text}
    </span>
  );
}

function Time({ row: { phase, startedAt, finishedAt } }: { row: NodeRow }) {
  const now = useNow(startedAt === undefined || isFinished(phase));
  if (startedAt === undefined) return null;
  return <>{lasting((finishedAt ?? now) - startedAt)}</>;
}
