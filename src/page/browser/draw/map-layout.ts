/** Where the cells of a node map are: so large as the room allows, one after another in groups. All in pixels. */

export interface Placed {
  name: string;
  /** Of its first cell, among all. */
  first: number;
  count: number;
  left: number;
  /** Of its label; the cells begin below it. */
  top: number;
  columns: number;
}

export interface MapLayout {
  cell: number;
  groups: readonly Placed[];
  width: number;
  height: number;
}

const LARGEST = 24;
/** Smaller ones cannot be told apart. */
const SMALLEST = 5;
const LABEL = 22;
const GAP = 12;
/** Up to so many groups are stacked; more stand beside each other, as do those of a fleet so small that a line is left empty. */
const STACKED = 4;
const SMALL_FLEET = 60;
const LEAST_WIDTH = 200;

export interface GroupSize {
  /** '' for a group that needs no label. */
  name: string;
  count: number;
}

export function layoutMap(groups: readonly GroupSize[], width: number, mostHeight: number): MapLayout {
  for (let cell = LARGEST; ; cell--) {
    const layout = withCells(groups, width, cell);
    if (layout.height <= mostHeight || cell === SMALLEST) return layout;
  }
}

function withCells(groups: readonly GroupSize[], width: number, cell: number): MapLayout {
  const fitting = Math.max(1, Math.floor((width + GAP) / (LEAST_WIDTH + GAP)));
  const isStacked =
    groups.length <= STACKED && groups.reduce((sum, { count }) => sum + count, 0) > SMALL_FLEET;
  const across = isStacked ? 1 : Math.max(1, Math.min(fitting, groups.length));
  const room = (width - GAP * (across - 1)) / across;
  const columns = Math.max(1, Math.floor(room / cell));
  const placed: Placed[] = [];
  let first = 0;
  let top = 0;
  let bottom = 0;
  for (const [i, { name, count }] of groups.entries()) {
    const column = i % across;
    if (column === 0 && i > 0) top = bottom + GAP;
    placed.push({ name, first, count, left: Math.round(column * (room + GAP)), top, columns });
    const label = name === '' ? 0 : LABEL;
    bottom = Math.max(bottom, top + label + Math.ceil(count / columns) * cell);
    first += count;
  }
  return { cell, groups: placed, width, height: bottom };
}

/** Where the cells of a group begin. */
function cellsTop({ name, top }: Placed): number {
  return top + (name === '' ? 0 : LABEL);
}

/** The upper left corner of a cell. */
export function cornerOf(layout: MapLayout, index: number): { x: number; y: number } | undefined {
  const group = layout.groups.find(({ first, count }) => index >= first && index < first + count);
  if (!group) return undefined;
  const within = index - group.first;
  return {
    x: group.left + (within % group.columns) * layout.cell,
    y: cellsTop(group) + Math.floor(within / group.columns) * layout.cell,
  };
}

export function cellAt({ groups, cell }: MapLayout, x: number, y: number): number | undefined {
  for (const group of groups) {
    const column = Math.floor((x - group.left) / cell);
    const row = Math.floor((y - cellsTop(group)) / cell);
    const within = row * group.columns + column;
    const isInside = column >= 0 && column < group.columns && row >= 0 && within < group.count;
    if (isInside) return group.first + within;
  }
  return undefined;
}

/** The cell that arrow keys go to: beside it, or in the next row, which may be that of another group. */
export function neighbour(layout: MapLayout, index: number, dx: number, dy: number): number {
  const total = layout.groups.reduce((sum, { count }) => sum + count, 0);
  if (dy === 0) return Math.min(Math.max(index + dx, 0), total - 1);
  const at = cornerOf(layout, index);
  if (!at) return index;
  const middle = layout.cell / 2;
  for (let y = at.y + dy * layout.cell; y >= 0 && y < layout.height; y += dy * middle) {
    const found = cellAt(layout, at.x + middle, y + middle);
    if (found !== undefined && found !== index) return found;
  }
  // Of a last row that is shorter, its end is below.
  return dy > 0 ? total - 1 : index;
}
