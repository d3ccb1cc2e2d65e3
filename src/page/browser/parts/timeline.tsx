import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { NodeRow, RunHead } from '../../../api/page.ts';
import { useNow } from '../clock.ts';
import { prepare, textSize, useMedia, useWidth } from '../draw/canvas.ts';
import { AXIS_ROOM, drawTimeline } from '../draw/draw-timeline.ts';
import { timeAxis } from '../draw/time-axis.ts';
import { counted, isOver, lasting, moment, said } from '../words.ts';

interface TimelineProps {
  head: RunHead;
  rows: ReadonlyMap<string, NodeRow>;
}

/** A node has a line of its own as far as there is room for that. */
const ROW = 14;
const HEIGHTS = { least: 110, most: 300 };
/** Between seconds nothing is to be seen of what takes hours. */
const EVERY_MS = 5_000;

/** Nodes over time. Where nothing ran little room is taken, and it is told what was waited for. */
export function Timeline({ head, rows }: TimelineProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const isDark = useMedia('(prefers-color-scheme: dark)');
  const { run, pauses } = head;
  const time = useNow(isOver(run.state));
  const nodes = useMemo(
    () =>
      [...rows.values()]
        .filter(({ startedAt }) => startedAt !== undefined)
        .toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0) || (a.key < b.key ? -1 : 1)),
    [rows],
  );
  const from = run.startedAt ?? nodes[0]?.startedAt;
  const now = run.finishedAt ?? Math.ceil(time / EVERY_MS) * EVERY_MS;
  const axis = useMemo(() => {
    const gaps = pauses.map(({ from: begin, to = now }) => ({ from: begin, to }));
    return timeAxis(from ?? now, now, gaps, width);
  }, [pauses, from, now, width]);
  const height = Math.min(Math.max(nodes.length * ROW, HEIGHTS.least), HEIGHTS.most);
  useEffect(() => {
    const context = prepare(canvas.current, width, height + AXIS_ROOM * textSize(canvas.current));
    if (!context || from === undefined) return;
    drawTimeline(context, axis, nodes, { height, now });
  }, [axis, nodes, from, now, width, height, isDark]);
  if (from === undefined || nodes.length === 0) return null;
  const until = run.finishedAt === undefined ? 'now' : moment(now);
  return (
    <section class="panel timeline" aria-labelledby="timeline">
      <header class="panel-head">
        <h2 id="timeline">Timeline</h2>
        <p class="muted">{counted(nodes.length, 'node')}, in the order in which they began</p>
      </header>
      <div ref={box}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`When each node was worked on, from ${moment(from)} to ${until}; the table of nodes tells it one by one`}
        />
      </div>
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
