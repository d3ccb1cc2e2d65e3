import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import type { NodeRow, RunHead, RunId } from '../../../api/page.ts';
import { prepare, useWidth } from '../draw/canvas.ts';
import { drawMap } from '../draw/draw-map.ts';
import { cellAt, cornerOf, layoutMap, neighbour } from '../draw/map-layout.ts';
import { grouped } from '../draw/order.ts';
import { counted, said } from '../words.ts';
import { Legend } from './legend.tsx';
import { NodeCanvas } from './node-canvas.tsx';

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

/** One cell a node. */
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
  const width = useWidth(box);
  const nodes = useMemo(() => groups.flatMap((it) => it.nodes), [groups]);
  const height = Math.min(Math.max(innerHeight * PART_OF_HEIGHT, LEAST_HEIGHT), MOST_HEIGHT);
  const layout = useMemo(() => {
    return layoutMap(
      groups.map(({ name, nodes: its }) => ({ name, count: its.length })),
      width,
      height,
    );
  }, [groups, width, height]);
  const draw = useCallback(
    (canvas: HTMLCanvasElement, chosen: number | undefined) => {
      const context = prepare(canvas, layout.width, layout.height);
      if (context) drawMap(context, layout, nodes, chosen);
    },
    [layout, nodes],
  );
  return (
    <NodeCanvas
      kind="cells"
      run={run}
      nodes={nodes}
      box={box}
      width={layout.width}
      roles={(chosen) => listRoles(nodes.length, chosen)}
      draw={draw}
      at={(x, y) => cellAt(layout, x, y)}
      step={(from, dx, dy) => neighbour(layout, from, dx, dy)}
      below={(index) => {
        const corner = cornerOf(layout, index);
        return corner && { x: corner.x, y: corner.y + layout.cell };
      }}
      words={({ message }) => message}
    >
      {layout.groups.map(
        ({ name, top, left, count }) =>
          name !== '' && (
            <p key={name} class="cells-label" style={{ top: `${top}px`, left: `${left}px` }}>
              {said(name)} <span class="muted">{count.toLocaleString('en')}</span>
            </p>
          ),
      )}
    </NodeCanvas>
  );
}

const OPTION = 'cell';

function listRoles(count: number, chosen: number | undefined) {
  const whole = {
    role: 'listbox' as const,
    'aria-label': `${counted(count, 'node')}: arrow keys move, Enter opens, F goes to the next that failed`,
    'aria-activedescendant': chosen === undefined ? undefined : OPTION,
  };
  const tip = {
    id: OPTION,
    role: 'option' as const,
    'aria-selected': chosen !== undefined,
    'aria-setsize': count,
    'aria-posinset': (chosen ?? 0) + 1,
  };
  return { whole, tip };
}
