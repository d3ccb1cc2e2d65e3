import { lasting, moment, shortMoment } from '../words.ts';
import { type Bar, painted } from './bars.ts';
import { colours, textSize } from './canvas.ts';
import type { Stretch } from './time-axis.ts';

/** Room below the bars for the times, of the size of the text. */
export const AXIS_ROOM = 2;
/** Of the same: what stands on a chart is smaller. */
const SMALL = 0.86;
const HATCH = 6;
/** Closer to each other times cannot be read; in letters. */
const LEAST_APART = 8;
/** Of less, minutes do not tell one end from the other. */
const SHORT_MS = 600_000;

interface Drawn {
  bars: readonly Bar[];
  chosen: number | undefined;
  height: number;
  now: number;
}

/** Bars over the stretches of waiting, and the times below. */
export function drawTimeline(
  context: CanvasRenderingContext2D,
  axis: readonly Stretch[],
  { bars, chosen, height, now }: Drawn,
): void {
  const colour = colours(context.canvas);
  for (const it of axis) if (it.pause !== undefined) drawPause(context, it, height, colour);
  for (const [tone, its] of painted(bars)) {
    context.fillStyle = colour(tone);
    for (const { x, y, width, height: thick } of its) context.fillRect(x, y, width, thick);
  }
  const bar = chosen === undefined ? undefined : bars[chosen];
  if (bar) {
    context.strokeStyle = colour('text');
    context.lineWidth = 2;
    context.strokeRect(bar.x - 1, bar.y - 1, bar.width + 2, bar.height + 2);
  }
  drawTimes(context, axis, height, now, colour);
}

function fontOf(canvas: HTMLCanvasElement): string {
  return `${textSize(canvas) * SMALL}px ${getComputedStyle(canvas).fontFamily}`;
}

function drawPause(
  context: CanvasRenderingContext2D,
  { x, width, from, to, pause = 0 }: Stretch,
  height: number,
  colour: ReturnType<typeof colours>,
): void {
  context.save();
  context.beginPath();
  context.rect(x, 0, width, height);
  context.clip();
  context.strokeStyle = colour('line');
  context.lineWidth = 1;
  context.beginPath();
  for (let at = x - height; at < x + width; at += HATCH) {
    context.moveTo(at, height);
    context.lineTo(at + height, 0);
  }
  context.stroke();
  context.restore();
  if (width < textSize(context.canvas)) return;
  context.save();
  context.translate(x + width / 2, height / 2);
  context.rotate(-Math.PI / 2);
  context.font = fontOf(context.canvas);
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const text = `${pause + 1} · ${lasting(to - from)}`;
  const room = context.measureText(text).width + 12;
  context.fillStyle = colour('surface');
  const size = textSize(context.canvas);
  context.fillRect(-room / 2, -size * 0.65, room, size * 1.3);
  context.fillStyle = colour('muted');
  context.fillText(text, 0, 0);
  context.restore();
}

function drawTimes(
  context: CanvasRenderingContext2D,
  axis: readonly Stretch[],
  height: number,
  now: number,
  colour: ReturnType<typeof colours>,
): void {
  const last = axis.at(-1);
  if (!last) return;
  const isShort = last.to - (axis[0]?.from ?? 0) < SHORT_MS;
  context.strokeStyle = colour('line');
  context.beginPath();
  context.moveTo(0, height + 0.5);
  context.lineTo(last.x + last.width, height + 0.5);
  context.stroke();
  context.fillStyle = colour('muted');
  context.font = fontOf(context.canvas);
  context.textBaseline = 'top';
  const end = last.x + last.width;
  context.textAlign = 'right';
  context.fillText(shortMoment(last.to, now, isShort), end, height + 7);
  context.textAlign = 'left';
  const apart = LEAST_APART * textSize(context.canvas);
  let free = 0;
  for (const { x, from, pause } of axis) {
    if (pause !== undefined || x < free || x > end - 2 * apart) continue;
    const text = x === 0 && !isShort ? moment(from) : shortMoment(from, now, isShort);
    context.fillText(text, x, height + 7);
    free = x + Math.max(context.measureText(text).width + 16, apart);
  }
}
