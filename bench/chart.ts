import type { Row } from './row.ts';

/** Growth curves as SVG: a panel for each row that was measured at several sizes, both axes logarithmic. */
export function chart(rows: readonly Row[]): string {
  const panels = [...Map.groupBy(rows, titleOf)].filter(([, points]) => points.length > 1);
  const [width, height] = [COLUMNS * WIDTH, Math.ceil(panels.length / COLUMNS) * HEIGHT + LEGEND];
  const drawn = panels.map(([title, points], i) => {
    const at = `translate(${(i % COLUMNS) * WIDTH} ${Math.floor(i / COLUMNS) * HEIGHT + LEGEND})`;
    return `<g transform="${at}">${panel(title, points)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">
<style>.own{stroke:#0969da}.floor{stroke:#6e7781;stroke-dasharray:5 3}.target{stroke:#cf222e;stroke-dasharray:2 3}path{fill:none;stroke-width:1.8}.axis{stroke:#d0d7de;stroke-width:1}text{fill:#24292f}.small{font-size:9px;fill:#57606a}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${legend()}
${drawn.join('\n')}
</svg>
`;
}

const [COLUMNS, WIDTH, HEIGHT, LEGEND] = [4, 240, 190, 34];
/** The area of a panel that is drawn on. */
const AREA = { left: 44, right: WIDTH - 14, top: 34, bottom: HEIGHT - 26 };
const KINDS = [
  { name: 'own', says: 'agent' },
  { name: 'floor', says: 'floor: the same by bare calls' },
  { name: 'target', says: 'target' },
] as const;

/** Rows of one name, unit and kind, whatever their size. */
function titleOf({ name, size, unit }: Row): string {
  const kind = size.split(', ').at(-1) ?? '';
  return `${name}${/\d/.test(kind) ? '' : `, ${kind}`} (${unit})`;
}

function legend(): string {
  return KINDS.map(({ name, says }, i) => {
    const x = 20 + i * 200;
    return `<path class="${name}" d="M${x} 17h30"/><text x="${x + 36}" y="21">${says}</text>`;
  }).join('');
}

/** Where the target lies; a row with a fixed bound has it as its floor. */
export function boundOf({ target, floor }: Pick<Row, 'target' | 'floor'>): number {
  const [, factor, slack = '0'] = /^. ([\d.]+) × floor(?: \+ ([\d.]+))?/.exec(target) ?? [];
  return factor === undefined ? floor : Number(factor) * floor + Number(slack);
}

function panel(title: string, points: readonly Row[]): string {
  const sorted = points.map((row) => ({ row, x: Number.parseFloat(row.size) })).toSorted((a, b) => a.x - b.x);
  const isFixed = points.every(({ target }) => !target.includes('floor'));
  const lines = {
    own: sorted.map(({ row }) => row.value),
    floor: isFixed ? [] : sorted.map(({ row }) => row.floor),
    target: sorted.map(({ row }) => boundOf(row)),
  };
  const all = Object.values(lines).flat();
  const x = scale(
    sorted.map((it) => it.x),
    AREA.left + 8,
    AREA.right - 8,
    1,
  );
  const y = scale(all, AREA.bottom, AREA.top, 1.3);
  const path = (values: number[]) =>
    values.map((value, i) => `${i === 0 ? 'M' : 'L'}${x(sorted[i]?.x ?? 1)} ${y(value)}`).join('');
  const drawn = KINDS.map(({ name }) => `<path class="${name}" d="${path(lines[name])}"/>`);
  const dots = lines.own.map(
    (value, i) => `<circle cx="${x(sorted[i]?.x ?? 1)}" cy="${y(value)}" r="2.6" fill="#0969da"/>`,
  );
  const below = sorted.map(
    (it) =>
      `<text class="small" text-anchor="middle" x="${x(it.x)}" y="${AREA.bottom + 13}">${short(it.x)}</text>`,
  );
  const beside = ticks(Math.min(...all) / 1.3, Math.max(...all) * 1.3).map(
    (value) =>
      `<path class="axis" d="M${AREA.left} ${y(value)}H${AREA.right}"/><text class="small" text-anchor="end" x="${AREA.left - 4}" y="${y(value) + 3}">${short(value)}</text>`,
  );
  const of = /\d ([a-z ]+)/.exec(points[0]?.size ?? '')?.[1] ?? '';
  const head = `<text x="${AREA.left}" y="${AREA.top - 12}" font-weight="bold">${title}</text>`;
  const unit = `<text class="small" text-anchor="end" x="${AREA.right}" y="${AREA.bottom + 23}">${of}</text>`;
  return [head, unit, ...beside, ...below, ...drawn, ...dots].join('');
}

/** Maps logarithmically; `room` is the factor left free at both ends. */
function scale(values: readonly number[], from: number, to: number, room: number) {
  const [low, high] = [Math.log(Math.min(...values) / room), Math.log(Math.max(...values) * room)];
  const share = (value: number) => (high === low ? 0.5 : (Math.log(value) - low) / (high - low));
  return (value: number) => Math.round((from + share(value) * (to - from)) * 10) / 10;
}

/** Round numbers between two values: 1, 2, 5, 10 …; of many only the powers of ten. */
function ticks(low: number, high: number): number[] {
  const steps = high / low > 300 ? [1] : high / low > 4 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    found.push(...steps.map((step) => step * 10 ** power));
  }
  return found.filter((value) => value >= low && value <= high);
}

function short(value: number): string {
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(2)));
}
