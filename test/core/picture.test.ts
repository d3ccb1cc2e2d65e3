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
