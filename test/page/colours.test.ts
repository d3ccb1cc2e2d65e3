import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PHASE_SHAPES } from '../../src/page/browser/draw/shapes.ts';

const CSS = readFileSync(new URL('../../src/page/browser/styles/base.css', import.meta.url), 'utf8');
const [LIGHT = '', DARK = ''] = CSS.split('(prefers-color-scheme: dark)');

type Colour = readonly [red: number, green: number, blue: number];

function colour(sheet: string, name: string): Colour {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6});`).exec(sheet)?.[1] ?? '';
  expect(hex, name).not.toBe('');
  return [0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255) as unknown as Colour;
}

const linear = (it: number) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);

function luminance([red, green, blue]: Colour): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** As WCAG 2 has it. */
function contrast(a: Colour, b: Colour): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

/** How people see who lack one of three kinds of cones: Machado, Oliveira and Fernandes (2009), severity 1, on linear light. */
const SEEN_BY: Readonly<Record<string, readonly Colour[]>> = {
  everybody: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopes: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopes: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopes: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** As CIE Lab, in which a distance of 2 is hardly seen, and one of 10 at a glance. */
function lab(it: Colour, matrix: readonly Colour[]): Colour {
  const [red, green, blue] = it.map(linear) as unknown as Colour;
  const [r, g, b] = matrix.map((row) =>
    Math.min(Math.max(row[0] * red + row[1] * green + row[2] * blue, 0), 1),
  ) as unknown as Colour;
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const TONES = ['done', 'flight', 'failed', 'gone', 'wait'];

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('in %s colours', (_, sheet) => {
  test.each(Object.keys(SEEN_BY))('the states of nodes are told apart at a glance by %s', (who) => {
    const seen = TONES.map((name) => ({ name, at: lab(colour(sheet, name), SEEN_BY[who] ?? []) }));
    const pairs = seen.flatMap((a, i) => seen.slice(i + 1).map((b) => ({ a, b })));
    const close = pairs
      .filter(({ a, b }) => Math.hypot(a.at[0] - b.at[0], a.at[1] - b.at[1], a.at[2] - b.at[2]) <= 10)
      .map(({ a, b }) => `${a.name} and ${b.name}`);
    expect(close).toEqual([]);
  });

  test('words in these colours can be read, shapes be seen', () => {
    for (const ground of ['surface', 'background']) {
      for (const name of ['text', 'muted', 'link', 'done', 'flight', 'failed', 'held', 'gone', 'wait-text'])
        expect(
          contrast(colour(sheet, name), colour(sheet, ground)),
          `${name} on ${ground}`,
        ).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour(sheet, 'wait'), colour(sheet, ground)), 'wait').toBeGreaterThanOrEqual(3);
    }
  });
});

test('each phase has a shape of its own', () => {
  const shapes = Object.values(PHASE_SHAPES);
  expect(new Set(shapes).size).toBe(shapes.length);
});
