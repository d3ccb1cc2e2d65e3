import type { NodeRow } from '../../../api/page.ts';
import { PHASE_TONES, type Tone } from '../words.ts';
import { type Stretch, xOf } from './time-axis.ts';

/** Where the bars of a timeline are, one a node, in pixels. */
export interface Bar {
  tone: Tone;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Lines thinner than that are not seen, and those of failed nodes have to be. */
const THINNEST = { failed: 3, other: 1 };
const THICKEST = 24;
const SHORTEST = 2;
/** So far beside a bar it is still pointed at. */
const NEAR = 2;
/** Those that failed come last, so that they lie on top. */
const PAINTED: readonly Tone[] = ['done', 'gone', 'flight', 'failed'];

/** Of nodes that have begun, from above to below. */
export function barsOf(
  axis: readonly Stretch[],
  nodes: readonly NodeRow[],
  { height, now }: { height: number; now: number },
): Bar[] {
  const row = Math.min(height / Math.max(nodes.length, 1), THICKEST);
  return nodes.map(({ phase, startedAt = now, finishedAt = now }, i) => {
    const tone = PHASE_TONES[phase];
    const least = tone === 'failed' ? THINNEST.failed : THINNEST.other;
    const thick = Math.max(row > 4 ? row - 2 : row, least);
    const x = xOf(axis, startedAt);
    return {
      tone,
      x,
      y: i * row + Math.max((row - thick) / 2, 0),
      width: Math.max(xOf(axis, finishedAt) - x, SHORTEST),
      height: thick,
    };
  });
}

/** By tone, each with its bars, in the order in which they are painted. */
export function painted(bars: readonly Bar[]): [Tone, Bar[]][] {
  return PAINTED.map((tone) => [tone, bars.filter((it) => it.tone === tone)]);
}

/** Which bar is pointed at: that on top where several are. */
export function barAt(bars: readonly Bar[], x: number, y: number): number | undefined {
  let top: number | undefined;
  const rank = (i: number) => PAINTED.indexOf(bars[i]?.tone ?? 'wait');
  for (const [i, bar] of bars.entries()) {
    const isInside = y >= bar.y && y <= bar.y + bar.height;
    const isBeside = x < bar.x - NEAR || x > bar.x + bar.width + NEAR;
    if (isInside && !isBeside && (top === undefined || rank(i) >= rank(top))) top = i;
  }
  return top;
}
