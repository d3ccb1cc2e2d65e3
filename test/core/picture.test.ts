import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AGENT_API_VERSION } from '../../src/api/config.ts';
import type { NodeOpReport, ReportNode } from '../../src/api/report.ts';
import { pictureOf, picturePath } from '../../src/core/runs/picture.ts';

const T0 = Date.parse('2030-01-31T22:00:00Z');
const stamp = (seconds: number) => new Date(T0 + seconds * 1000).toISOString().replace('.000Z', 'Z');

const node = (name: string, phase: ReportNode['phase'], seconds: number, message?: string): ReportNode => ({
  name,
  phase,
  finishedAt: stamp(seconds),
  ...(message !== undefined && { message }),
});

function report(
  nodes: ReportNode[],
  changes: Partial<Omit<NodeOpReport, 'status'>> & { status?: object } = {},
): NodeOpReport {
  const count = (phase: string) => nodes.filter((it) => it.phase === phase).length;
  const summary = { total: nodes.length, completed: count('Completed'), failed: count('Failed') };
  return {
    apiVersion: AGENT_API_VERSION,
    kind: 'NodeOpReport',
    metadata: { name: 'a' },
    run: { path: 'runs/a.yaml' },
    cluster: 'berlin',
    ...changes,
    status: {
      phase: 'Failed',
      startedAt: stamp(0),
      finishedAt: stamp(7200),
      summary,
      nodes,
      ...changes.status,
    },
  };
}

const picture = (...args: Parameters<typeof report>) => pictureOf(report(...args)) ?? '';
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, it]) => it);

test('beside the report, by its name', () => {
  expect(picturePath('results/berlin/a.yaml')).toBe('results/berlin/a.svg');
  expect(picturePath('results/a.yml')).toBe('results/a.yml.svg');
  expect(picturePath('results/link')).toBe('results/link.svg');
});

test('what it shows: the run, how it ended, the counts over time, and why nodes failed, most of them first', () => {
  const why = 'command failed: exit code 3: write protected';
  const svg = picture([
    node('node-1', 'Completed', 3600),
    node('node-2', 'Failed', 60, why),
    node('node-3', 'Failed', 120, 'no such device'),
    node('node-4', 'Failed', 180, why),
  ]);
  expect(texts(svg)).toEqual([
    'runs/a.yaml on berlin',
    '1 of 4 nodes completed, 3 failed; Failed, it took 2h',
    'completed: 1',
    'failed: 3',
    '0',
    '2',
    '4',
    '2030-01-31 22:00 UTC',
    '00:00 UTC',
    'Why nodes failed',
    '2 × exit code 3: write protected',
    '1 × no such device',
  ]);
  expect(svg).toMatch(/role="img" aria-labelledby="title desc"/);
  expect(svg).toContain('<title id="title">runs/a.yaml on berlin</title>');
  expect(svg).toMatch(
    /<desc id="desc">1 of 4 nodes completed, 3 failed; Failed, it took 2h\. 2 × exit code 3: write protected/,
  );
  // One of four is done at half time, above the three that failed: three quarters of the way up, then all of it.
  expect(svg).toMatch(/<path class="done" d="M48 264H\d+V[\d.]+.*V84H704V264Z"\/>/);
});

test('the same report gives the same picture, and one whose run never worked on a node, or goes on, has none', () => {
  const nodes = [node('a', 'Completed', 10)];
  expect(picture(nodes)).toBe(picture(structuredClone(nodes)));
  expect(pictureOf(report([]))).toBeUndefined();
  expect(pictureOf(report(nodes, { status: { phase: 'Running' } }))).toBeUndefined();
  expect(pictureOf(report(nodes, { status: { startedAt: undefined } }))).toBeUndefined();
});

test('times that are wrong or missing break nothing', () => {
  const svg = picture([node('a', 'Completed', -500), { name: 'b', phase: 'Failed' }], {
    status: { finishedAt: 'nonsense' },
  });
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

/** What is drawn, by the names of its numbers. */
const drawn = (svg: string, pattern: RegExp) =>
  [...svg.matchAll(pattern)].map(([, ...numbers]) => numbers.map(Number));

test('nothing of it lies outside, and lines of text have room of their own', () => {
  for (const causes of [0, 1, 5, 7]) {
    const failed = Array.from({ length: causes }, (_, i) =>
      node(`n${i}`, 'Failed', i, `cause ${'abcdefg'[i]}`),
    );
    const svg = picture([node('done', 'Completed', 60), ...failed]);
    const [[width = 0, height = 0] = []] = drawn(svg, /viewBox="0 0 (\d+) (\d+)"/g);
    const places = drawn(svg, /<text x="([\d.]+)" y="([\d.]+)"/g);
    for (const [x = 0, y = 0] of places) {
      expect(x).toBeLessThan(width);
      expect(y).toBeLessThanOrEqual(height - 8);
    }
    for (const [x = 0, , wide = 0] of drawn(svg, /<rect class="bar" x="(\d+)" y="(\d+)" width="([\d.]+)"/g))
      expect(x + wide).toBeLessThanOrEqual(width - x);
    // It ends a little below its last line, and no two of its lines share a place.
    expect(height - Math.max(...places.map(([, y = 0]) => y))).toBeLessThanOrEqual(60);
    expect(new Set(places.map(String)).size).toBe(places.length);
  }
});

test('bars are as long as causes are frequent, and each is seen', () => {
  const of = (count: number, cause: string) =>
    Array.from({ length: count }, (_, i) => node(`${cause}${i}`, 'Failed', i, cause));
  const bars = (...causes: ReturnType<typeof of>[]) =>
    drawn(picture(causes.flat()), /<rect class="bar" x="\d+" y="(\d+)" width="([\d.]+)"/g);
  const [[top = 0, all = 0] = [], [next = 0, half = 0] = []] = bars(of(4, 'fire'), of(2, 'flood'));
  expect(half).toBe(all / 2);
  expect(next - top).toBe(24);
  expect(bars(of(2000, 'fire'), of(1, 'flood'))[1]?.[1]).toBe(2);
});

test('a chart of counts over time rises where nodes end, from the first moment to the last', () => {
  const path = (svg: string) => /<path class="done" d="([^"]*)"/.exec(svg)?.[1];
  const end = { status: { finishedAt: stamp(100) } };
  // Half of the time is over in the middle of the chart, between 48 and 704.
  expect(path(picture([node('a', 'Completed', 50), node('b', 'Completed', 100)], end))).toBe(
    'M48 264H376V174H704V84H704V264Z',
  );
  expect(path(picture([node('a', 'Completed', 0), node('b', 'Completed', 1)], end))).toBe(
    'M48 264H48V174H56V84H704V264Z',
  );
  // What ended later than the run says belongs to it as well.
  expect(path(picture([node('a', 'Completed', 200)], end))).toBe('M48 264H704V84H704V264Z');
  expect(texts(picture([node('a', 'Completed', 200)], end))).toContain(
    '1 of 1 node completed; Failed, it took 3m20s',
  );
});

test('the end has its day when it is another one as a rule: after twenty hours', () => {
  const last = (hours: number) =>
    texts(picture([node('a', 'Completed', 1)], { status: { finishedAt: stamp(hours * 3600) } })).at(-1);
  expect(last(20)).toBe('18:00 UTC');
  expect(last(20.5)).toBe('2030-02-01 18:30 UTC');
});

test('a run without failures has no word of them', () => {
  const svg = picture([node('a', 'Completed', 1)]);
  expect(svg).not.toMatch(/url\(#hatched\)|class="bar"|Why nodes failed|failed:/);
  // Of one node there is no half, and no place has two numbers.
  expect(texts(svg).slice(2, 5)).toEqual(['completed: 1', '0', '1']);
});

test('what is too wide is cut, and letters of East Asia take the room of two', () => {
  const title = (path: string) => texts(picture([node('a', 'Completed', 1)], { run: { path } }))[0] ?? '';
  const fits = 78 - ' on berlin'.length;
  expect(title('x'.repeat(fits))).toBe(`${'x'.repeat(fits)} on berlin`);
  expect(title('x'.repeat(fits + 1))).toBe(`${'x'.repeat(fits + 1)} on berli…`);
  expect(title('\u65e5'.repeat(60))).toBe(`${'\u65e5'.repeat(39)}…`);
  expect(title(`${'x'.repeat(77)} y`)).toBe(`${'x'.repeat(77)}…`);
});

describe('whatever people, nodes and servers have said', () => {
  const HOSTILE = `</text><script>alert(1)</script><a href="javascript:x">"'&]]>\u0000\u001b[31m\u202e\ud800 ${'<'.repeat(200)}`;

  /** Every tag and attribute of it is one that the picture itself writes. */
  function expectTame(svg: string): void {
    const tag =
      /<\/?(?:svg|title|desc|style|defs|pattern|rect|path|text)(?: (?:xmlns|viewBox|width|height|role|aria-labelledby|font-family|font-size|id|class|fill|d|x|y|rx|text-anchor|patternUnits|patternTransform)="[^"<>&]*")*\/?>/g;
    const rest = svg.replaceAll(tag, '').replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '');
    expect(rest).not.toMatch(/[<&]/);
    expect(svg.replaceAll('url(#hatched)', '').replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /url\(|:\/\/[^ ]*"|href="|@import/,
    );
    // eslint-disable-next-line no-control-regex -- none is left
    expect(svg).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e\ufffe\uffff]/);
    expect(svg.isWellFormed()).toBe(true);
  }

  test('it stays text: names, messages, the cluster', () => {
    const svg = picture([node(HOSTILE, 'Failed', 1, HOSTILE), node('b', 'Completed', 2)], {
      run: { path: `runs/${HOSTILE}.yaml` },
      cluster: HOSTILE,
    });
    expectTame(svg);
    expect(svg.length).toBeLessThan(8_000);
  });

  test('of any kind', () => {
    const anything = fc.uint16Array({ maxLength: 60 }).map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(anything, anything, (a, b) => {
        expectTame(
          picture([node(a, 'Failed', 1, b), node(b, 'Failed', 2, a)], { run: { path: a }, cluster: b }),
        );
      }),
      { numRuns: 50 },
    );
  });
});

test('5,000 nodes with a cause each take no more room than a few', () => {
  const nodes = Array.from({ length: 5000 }, (_, i) =>
    node(`node-${i}`, i % 2 === 0 ? 'Failed' : 'Completed', i, `cause ${'x'.repeat(i % 300)} ${i}`),
  );
  const svg = picture(nodes);
  expect(Buffer.byteLength(svg)).toBeLessThan(32 * 1024);
  expect(texts(svg).at(-1)).toBe('and 2495 for other causes');
});
