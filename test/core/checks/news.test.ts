import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../../src/api/nodeop.ts';
import { checkNews } from '../../../src/core/checks/news.ts';
import { runToEnd, World } from '../../support/world.ts';

/** All that is told of checks while a rollout goes to its end, each as `<key> <kind> <what>`, with `!` for a verdict. */
function toldBy(checks: object[], tries: boolean[], soakSeconds = 0): string[] {
  const spec = { steps: [{ name: 'all', soakSeconds, checks }] };
  const world = new World(spec, { 'node-1': {} });
  world.tries.push(...tries.map((passed) => ({ passed, seen: 'x' })));
  let { status } = world;
  const told: string[] = [];
  runToEnd(world, ({ status: now }) => {
    for (const { key, kind, what, isVerdict } of checkNews(
      NodeOpSpecSchema.parse({ image: 'a', command: ['b'], ...spec }),
      status,
      now,
    ))
      told.push(`${key} ${kind} ${what}${isVerdict ? '!' : ''}`);
    status = now;
  });
  return told;
}

const http = { http: { url: 'http://a.example/' } };

test('each try is told once as it begins and once as it ends, and the last of an evaluation is its verdict', () => {
  expect(toldBy([http], [false, true])).toEqual([
    '0.0.1 http begun',
    '0.0.1 http failed',
    '0.0.2 http begun',
    '0.0.2 http passed!',
  ]);
  expect(toldBy([{ command: { command: ['x'] }, attempts: 1 }], [false])).toEqual([
    '0.0.1 command begun',
    '0.0.1 command failed!',
  ]);
});

test('evaluations during the soak count as those after it', () => {
  const check = { ...http, attempts: 1, intervalSeconds: 20 };
  expect(toldBy([check], [false, true, true], 50).filter((it) => it.endsWith('!'))).toEqual([
    '0.0.1 http failed!',
    '0.0.2 http passed!',
    '0.0.3 http passed!',
  ]);
});

test('checks side by side are told each', () => {
  const prometheus = { prometheus: { url: 'http://p.example', query: 'up' } };
  expect(toldBy([http, prometheus], [true, true]).toSorted()).toEqual([
    '0.0.1 http begun',
    '0.0.1 http passed!',
    '0.1.1 prometheus begun',
    '0.1.1 prometheus passed!',
  ]);
});
