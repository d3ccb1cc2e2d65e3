import { expect, test } from 'vitest';
import { isFloating, mutableImages } from '../../src/core/runs/mutable-images.ts';

test.each([
  ['busybox', true],
  ['registry.example.org:5000/tools/flash', true],
  ['registry.example.org:5000/tools/flash:latest', true],
  ['registry.example.org:5000/tools/flash:2.4', false],
])('%s is meant to become another one: %s', (image, expected) => {
  expect(isFloating(image)).toBe(expected);
});

test('an image by digest stays what it is, wherever it stands; all others are found with their place', () => {
  const pinned = `busybox:1@sha256:${'a'.repeat(64)}`;
  const spec = {
    image: pinned,
    preflight: { image: 'a' },
    postflight: { image: 'b:1' },
    steps: [{ checks: [{ http: {} }, { command: { image: 'c' } }] }],
  };
  expect(
    mutableImages({ spec: { ...spec, overrides: { image: 'd' } }, defaults: { image: pinned } }),
  ).toEqual([
    { image: 'a', path: ['spec', 'preflight', 'image'] },
    { image: 'b:1', path: ['spec', 'postflight', 'image'] },
    { image: 'c', path: ['spec', 'steps', 0, 'checks', 1, 'command', 'image'] },
    { image: 'd', path: ['spec', 'overrides', 'image'] },
  ]);
  expect(mutableImages(['image'])).toEqual([]);
});
