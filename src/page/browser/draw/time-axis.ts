/** A time axis on which stretches of waiting take little room, however long they were. */

export interface Stretch {
  from: number;
  to: number;
  x: number;
  width: number;
  /** Which of the pauses it is; undefined where nodes were worked on. */
  pause?: number;
}

export interface Gap {
  from: number;
  to: number;
}

/** No pause is wider, and all of them together take no more than a part of the room. */
const WIDEST = 56;
const MOST_OF_WIDTH = 0.5;

export function timeAxis(from: number, to: number, gaps: readonly Gap[], width: number): Stretch[] {
  const pieces = cut(from, to, gaps);
  const whole = Math.max(to - from, 1);
  const most = Math.min(WIDEST, (MOST_OF_WIDTH * width) / Math.max(gaps.length, 1));
  const lengthOf = ({ from: begin, to: end }: Gap) => end - begin;
  const worked = pieces.filter(({ pause }) => pause === undefined).reduce((sum, it) => sum + lengthOf(it), 0);
  const natural = (it: Gap) => (lengthOf(it) * width) / whole;
  const narrow = (it: Gap) => (worked === 0 ? natural(it) : Math.min(natural(it), most));
  const gapsWidth = pieces
    .filter(({ pause }) => pause !== undefined)
    .reduce((sum, it) => sum + narrow(it), 0);
  let x = 0;
  return pieces.map((piece) => {
    const isGap = piece.pause !== undefined;
    const room = isGap ? narrow(piece) : (lengthOf(piece) * (width - gapsWidth)) / Math.max(worked, 1);
    const stretch = { ...piece, x, width: room };
    x += room;
    return stretch;
  });
}

function cut(from: number, to: number, gaps: readonly Gap[]): (Gap & { pause?: number })[] {
  const pieces: (Gap & { pause?: number })[] = [];
  let at = from;
  for (const [pause, gap] of gaps.entries()) {
    const begin = Math.max(gap.from, at);
    const end = Math.min(gap.to, to);
    if (end <= begin) continue;
    if (begin > at) pieces.push({ from: at, to: begin });
    pieces.push({ from: begin, to: end, pause });
    at = end;
  }
  if (to > at || pieces.length === 0) pieces.push({ from: at, to: Math.max(to, at) });
  return pieces;
}

export function xOf(axis: readonly Stretch[], time: number): number {
  const last = axis.at(-1);
  const stretch = axis.find(({ to }) => time <= to) ?? last;
  if (!stretch) return 0;
  const { from, to, x, width } = stretch;
  const part = to > from ? (time - from) / (to - from) : 0;
  return x + Math.min(Math.max(part, 0), 1) * width;
}
