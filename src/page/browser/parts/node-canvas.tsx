import type { ComponentChildren, HTMLAttributes, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { NodeRow, RunId } from '../../../api/page.ts';
import { useMedia } from '../draw/canvas.ts';
import { go } from '../navigation.ts';
import { nodePath } from '../route.ts';
import { said } from '../words.ts';
import { PhaseSign } from './state.tsx';

interface NodeCanvasProps {
  /** Class of the style sheet. */
  kind: 'cells' | 'bars';
  run: RunId;
  nodes: readonly NodeRow[];
  /** The element that the canvas lies in, which others measure. */
  box: RefObject<HTMLDivElement | null>;
  width: number;
  /** What assistive technology is told of the whole and of the tip. */
  roles: (chosen: number | undefined) => Record<'whole' | 'tip', HTMLAttributes<HTMLDivElement>>;
  draw: (canvas: HTMLCanvasElement, chosen: number | undefined) => void;
  at: (x: number, y: number) => number | undefined;
  /** Where an arrow key leads. */
  step: (from: number, dx: number, dy: number) => number;
  /** The lower left corner of one. */
  below: (index: number) => { x: number; y: number } | undefined;
  /** What the tip says below its name and phase. */
  words: (node: NodeRow) => string | undefined;
  children?: ComponentChildren;
}

/**
 * Nodes on a canvas, since as elements thousands of them would make the page slow. One is chosen by mouse, finger or arrow
 * keys, which tells of it, and opened.
 */
export function NodeCanvas(props: NodeCanvasProps) {
  const { kind, run, nodes, box, width, roles, draw, at, below, words, children } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const isDark = useMedia('(prefers-color-scheme: dark)');
  const [index, setIndex] = useState<number>();
  const node = index === undefined ? undefined : nodes[index];
  const chosen = node && index;
  useEffect(() => {
    if (canvas.current) draw(canvas.current, chosen);
  }, [draw, chosen, isDark]);
  const open = () => node && go(nodePath(node.key, run));
  const pointed = (event: MouseEvent) => at(event.offsetX, event.offsetY);
  const { whole, tip } = roles(chosen);
  return (
    <div
      {...whole}
      ref={box}
      class={kind}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key === 'Enter') open();
        if (event.key === 'Escape') setIndex(undefined);
        const to = next(event.key, props, chosen);
        if (to === undefined) return;
        event.preventDefault();
        setIndex(to);
      }}
      onFocus={() =>
        chosen === undefined && nodes.length > 0 && box.current?.matches(':focus-visible') && setIndex(0)
      }
      onBlur={() => setIndex(undefined)}
      onPointerLeave={() => document.activeElement !== box.current && setIndex(undefined)}
    >
      {children}
      <canvas
        ref={canvas}
        aria-hidden="true"
        onPointerMove={(event) => setIndex(pointed(event))}
        onPointerUp={(event) => {
          // With a finger the first touch tells, the second one opens.
          if (event.pointerType === 'mouse' || pointed(event) === chosen) open();
          else setIndex(pointed(event));
        }}
      />
      <div
        {...tip}
        class={node ? 'tip' : 'hidden'}
        style={tipPlace(chosen === undefined ? undefined : below(chosen), width)}
      >
        {node === undefined ? 'no node chosen' : <Tip node={node} words={words(node)} />}
      </div>
    </div>
  );
}

function Tip({ node: { key, phase }, words }: { node: NodeRow; words: string | undefined }) {
  return (
    <>
      <b>{said(key)}</b> <PhaseSign phase={phase} />
      {words !== undefined && <span class="tip-words">{said(words)}</span>}
    </>
  );
}

const TIP_WIDTH = 320;

/** Within the canvas from left to right. */
function tipPlace(corner: { x: number; y: number } | undefined, width: number) {
  if (!corner) return {};
  const left = Math.max(0, Math.min(corner.x - 12, width - TIP_WIDTH));
  return { top: `${corner.y + 6}px`, left: `${left}px` };
}

const ARROWS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function next(
  key: string,
  { nodes, step }: Pick<NodeCanvasProps, 'nodes' | 'step'>,
  chosen: number | undefined,
): number | undefined {
  if (nodes.length === 0) return undefined;
  const arrow = ARROWS[key];
  if (arrow) return step(chosen ?? 0, ...arrow);
  if (key === 'Home') return 0;
  if (key === 'End') return nodes.length - 1;
  return key === 'f' || key === 'F' ? nextFailed(nodes, chosen) : undefined;
}

/** Behind the last one the first comes again. */
function nextFailed(nodes: readonly NodeRow[], after = -1): number | undefined {
  const failed = nodes.flatMap(({ phase }, i) => (phase === 'Failed' ? [i] : []));
  return failed.find((i) => i > after) ?? failed[0];
}
