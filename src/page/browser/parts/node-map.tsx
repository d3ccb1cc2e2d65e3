import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { NodeRow, RunHead, RunId } from '../../../api/page.ts';
import { prepare, useMedia, useWidth } from '../draw/canvas.ts';
import { drawMap } from '../draw/draw-map.ts';
import { cellAt, cornerOf, layoutMap, type MapLayout, neighbour } from '../draw/map-layout.ts';
import { grouped } from '../draw/order.ts';
import { go } from '../navigation.ts';
import { nodePath } from '../route.ts';
import { counted, said } from '../words.ts';
import { Legend } from './legend.tsx';
import { PhaseSign } from './state.tsx';

interface NodeMapProps {
  run: RunId;
  head: RunHead;
  rows: ReadonlyMap<string, NodeRow>;
  rank: ReadonlyMap<string, number>;
}

/** So much of the window's height, within bounds: all nodes are to be seen at once. */
const PART_OF_HEIGHT = 0.55;
const LEAST_HEIGHT = 220;
const MOST_HEIGHT = 1_000;

/** One cell a node, on a canvas: as elements, thousands of them would make the page slow. */
export function NodeMap({ run, head, rows, rank }: NodeMapProps) {
  const [chosen, setChosen] = useState<string>();
  const by = head.groupedBy.find((it) => it === chosen) ?? head.groupedBy[0];
  const steps = head.steps.map(({ name }) => name).join(' ');
  const groups = useMemo(() => grouped(rows.values(), by, steps.split(' '), rank), [rows, by, steps, rank]);
  return (
    <section class="panel map" aria-labelledby="map">
      <header class="panel-head">
        <h2 id="map">Nodes</h2>
        {head.groupedBy.length > 1 && (
          <label class="by">
            by{' '}
            <select value={by} onChange={(event) => setChosen(event.currentTarget.value)}>
              {head.groupedBy.map((it) => (
                <option key={it}>{it}</option>
              ))}
            </select>
          </label>
        )}
        <Legend rows={rows} />
      </header>
      <Cells run={run} groups={groups} />
    </section>
  );
}

function Cells({ run, groups }: { run: RunId; groups: ReturnType<typeof grouped> }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const isDark = useMedia('(prefers-color-scheme: dark)');
  const [active, setActive] = useState<number>();
  const nodes = useMemo(() => groups.flatMap((it) => it.nodes), [groups]);
  const height = Math.min(Math.max(innerHeight * PART_OF_HEIGHT, LEAST_HEIGHT), MOST_HEIGHT);
  const layout = useMemo(() => {
    return layoutMap(
      groups.map(({ name, nodes: its }) => ({ name, count: its.length })),
      width,
      height,
    );
  }, [groups, width, height]);
  useEffect(() => {
    const context = prepare(canvas.current, layout.width, layout.height);
    if (context) drawMap(context, layout, nodes, active);
  }, [layout, nodes, active, isDark]);
  const node = active === undefined ? undefined : nodes[active];
  const open = () => node && go(nodePath(node.key, run));
  const at = (event: MouseEvent) => cellAt(layout, event.offsetX, event.offsetY);
  return (
    <div
      ref={box}
      class="cells"
      role="listbox"
      tabIndex={0}
      aria-label={`${counted(nodes.length, 'node')}: arrow keys move, Enter opens, F goes to the next that failed`}
      aria-activedescendant={node && 'cell'}
      onKeyDown={(event) => {
        const to = next(event.key, layout, nodes, active);
        if (event.key === 'Enter') open();
        if (event.key === 'Escape') setActive(undefined);
        if (to === undefined) return;
        event.preventDefault();
        setActive(to);
      }}
      onFocus={() =>
        active === undefined && nodes.length > 0 && box.current?.matches(':focus-visible') && setActive(0)
      }
      onBlur={() => setActive(undefined)}
      onPointerLeave={() => document.activeElement !== box.current && setActive(undefined)}
    >
      {layout.groups.map(
        ({ name, top, left, count }) =>
          name !== '' && (
            <p key={name} class="cells-label" style={{ top: `${top}px`, left: `${left}px` }}>
              {said(name)} <span class="muted">{count.toLocaleString('en')}</span>
            </p>
          ),
      )}
      <canvas
        ref={canvas}
        aria-hidden="true"
        onPointerMove={(event) => setActive(at(event))}
        onPointerUp={(event) => {
          // With a finger the first touch tells, the second one opens.
          if (event.pointerType === 'mouse' || at(event) === active) open();
          else setActive(at(event));
        }}
      />
      <div
        id="cell"
        role="option"
        aria-selected={node !== undefined}
        aria-setsize={nodes.length}
        aria-posinset={(active ?? 0) + 1}
        class={node ? 'tip' : 'hidden'}
        style={tipPlace(layout, active)}
      >
        {node === undefined ? 'no node chosen' : <Tip node={node} />}
      </div>
    </div>
  );
}

function Tip({ node }: { node: NodeRow }) {
  const { key, phase, message } = node;
  return (
    <>
      <b>{said(key)}</b> <PhaseSign phase={phase} />
      {message !== undefined && <span class="tip-message">{said(message)}</span>}
    </>
  );
}

const TIP_WIDTH = 320;

/** Below the cell, and within the map from left to right. */
function tipPlace(layout: MapLayout, active: number | undefined) {
  const corner = active === undefined ? undefined : cornerOf(layout, active);
  if (!corner) return {};
  const left = Math.max(0, Math.min(corner.x - 12, layout.width - TIP_WIDTH));
  return { top: `${corner.y + layout.cell + 6}px`, left: `${left}px` };
}

function next(key: string, layout: MapLayout, nodes: readonly NodeRow[], active: number | undefined) {
  if (nodes.length === 0) return undefined;
  const from = active ?? 0;
  const last = nodes.length - 1;
  const failed = (from_: number) => nodes.findIndex(({ phase }, i) => i >= from_ && phase === 'Failed');
  switch (key) {
    case 'ArrowLeft':
      return neighbour(layout, from, -1, 0);
    case 'ArrowRight':
      return neighbour(layout, from, 1, 0);
    case 'ArrowUp':
      return neighbour(layout, from, 0, -1);
    case 'ArrowDown':
      return neighbour(layout, from, 0, 1);
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'f':
    case 'F': {
      const found = [failed(active === undefined ? 0 : from + 1), failed(0)].find((it) => it >= 0);
      return found;
    }
    default:
      return undefined;
  }
}
