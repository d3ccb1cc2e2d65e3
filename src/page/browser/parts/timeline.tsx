import { useCallback, useMemo, useRef } from 'preact/hooks';
import type { NodeRow, RunHead, RunId } from '../../../api/page.ts';
import { useNow } from '../clock.ts';
import { barAt, barsOf } from '../draw/bars.ts';
import { prepare, textSize, useWidth } from '../draw/canvas.ts';
import { AXIS_ROOM, drawTimeline } from '../draw/draw-timeline.ts';
import { timeAxis } from '../draw/time-axis.ts';
import { counted, isOver, lasting, moment, said, shortMoment } from '../words.ts';
import { NodeCanvas } from './node-canvas.tsx';

interface TimelineProps {
  run: RunId;
  head: RunHead;
  rows: ReadonlyMap<string, NodeRow>;
}

/** A node has a line of its own as far as there is room for that. */
const ROW = 14;
const HEIGHTS = { least: 110, most: 300 };
/** Between seconds nothing is to be seen of what takes hours. */
const EVERY_MS = 5_000;

/** Nodes over time. Where nothing ran little room is taken, and it is told what was waited for. */
export function Timeline({ run, head, rows }: TimelineProps) {
  const { run: subject, pauses } = head;
  const time = useNow(isOver(subject.state));
  const nodes = useMemo(
    () =>
      [...rows.values()]
        .filter(({ startedAt }) => startedAt !== undefined)
        .toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0) || (a.key < b.key ? -1 : 1)),
    [rows],
  );
  const from = subject.startedAt ?? nodes[0]?.startedAt;
  const now = subject.finishedAt ?? Math.ceil(time / EVERY_MS) * EVERY_MS;
  if (from === undefined || nodes.length === 0) return null;
  const until = subject.finishedAt === undefined ? 'now' : moment(now);
  return (
    <section class="panel timeline" aria-labelledby="timeline">
      <header class="panel-head">
        <h2 id="timeline">Timeline</h2>
        <p class="muted">{counted(nodes.length, 'node')}, in the order in which they began</p>
      </header>
      <Bars
        run={run}
        nodes={nodes}
        pauses={pauses}
        span={{ from, now }}
        label={`When each node was worked on, from ${moment(from)} to ${until}: arrow keys move, Enter opens, F goes to the next that failed`}
      />
      {pauses.length > 0 && (
        <ol class="pauses">
          {pauses.map((it) => (
            <li key={it.from}>
              <b>{lasting((it.to ?? now) - it.from)}</b> {said(it.text)}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

interface BarsProps {
  run: RunId;
  nodes: readonly NodeRow[];
  pauses: RunHead['pauses'];
  span: { from: number; now: number };
  label: string;
}

function Bars({ run, nodes, pauses, span: { from, now }, label }: BarsProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const height = Math.min(Math.max(nodes.length * ROW, HEIGHTS.least), HEIGHTS.most);
  const axis = useMemo(() => {
    const gaps = pauses.map(({ from: begin, to = now }) => ({ from: begin, to }));
    return timeAxis(from, now, gaps, width);
  }, [pauses, from, now, width]);
  const bars = useMemo(() => barsOf(axis, nodes, { height, now }), [axis, nodes, height, now]);
  const draw = useCallback(
    (canvas: HTMLCanvasElement, chosen: number | undefined) => {
      const context = prepare(canvas, width, height + AXIS_ROOM * textSize(canvas));
      if (context) drawTimeline(context, axis, { bars, chosen, height, now });
    },
    [axis, bars, width, height, now],
  );
  const roles = (chosen: number | undefined) => {
    const node = chosen === undefined ? undefined : nodes[chosen];
    return sliderRoles(
      label,
      nodes.length,
      chosen,
      node && `${said(node.key)}, ${node.phase}, ${timesOf(node, now)}`,
    );
  };
  return (
    <NodeCanvas
      kind="bars"
      run={run}
      nodes={nodes}
      box={box}
      width={width}
      roles={roles}
      draw={draw}
      at={(x, y) => barAt(bars, x, y)}
      step={(index, dx, dy) => Math.min(Math.max(index + dx + dy, 0), nodes.length - 1)}
      below={(index) => {
        const bar = bars[index];
        return bar && { x: bar.x, y: bar.y + bar.height };
      }}
      words={(node) => timesOf(node, now)}
    />
  );
}

/** One node after the other, in one direction: that is what assistive technology knows as a slider. */
function sliderRoles(label: string, count: number, chosen: number | undefined, text = 'no node chosen') {
  const whole = {
    role: 'slider' as const,
    'aria-label': label,
    'aria-valuemin': 1,
    'aria-valuemax': count,
    'aria-valuenow': (chosen ?? 0) + 1,
    'aria-valuetext': text,
  };
  return { whole, tip: { 'aria-hidden': true } };
}

function timesOf({ startedAt = 0, finishedAt }: NodeRow, now: number): string {
  const from = shortMoment(startedAt, now, true);
  if (finishedAt === undefined) return `since ${from}, for ${lasting(now - startedAt)}`;
  return `from ${from} until ${shortMoment(finishedAt, now, true)}, ${lasting(finishedAt - startedAt)}`;
}
