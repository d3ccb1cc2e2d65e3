import { expect, test } from 'vitest';
import { isRepository } from '../../src/http/hooks/repository.ts';
import { RateLimit } from '../../src/http/rate-limit.ts';

test.each([
  ['https://github.com/platform/operations.git', 'platform/operations', true],
  ['https://github.com/platform/operations', 'Platform/Operations', true],
  ['git@github.com:platform/operations.git', 'platform/operations', true],
  ['github.com:platform/operations', 'platform/operations', true],
  ['ssh://git@git.example.org:2222/platform/operations.git', 'platform/operations', true],
  ['https://git.example.org/scm/platform/operations.git', 'PLATFORM/operations', true],
  ['https://gitlab.example.org/a/b/c/operations.git', 'a/b/c/operations', true],
  ['https://gitlab.example.org/a/b/operations.git', 'https://gitlab.example.org/a/b/operations.git', true],
  ['/srv/git/operations.git', '/srv/git/operations', true],
  ['https://github.com/platform/operations.git', 'latform/operations', false],
  ['https://github.com/platform/operations.git', 'operations', false],
  ['https://github.com/platform/operations.git', 'evil/platform/operations', false],
  ['https://github.com/platform/operations.git', '', false],
  ['https://github.com/platform/operations.git', undefined, false],
])('%s is called %s: %s', (url, name, expected) => {
  expect(isRepository(url, name)).toBe(expected);
});

test('a bucket a caller, filled again with time; callers are forgotten, not gathered for ever', () => {
  let now = 0;
  const limit = new RateLimit(2, () => now);
  expect([limit.take('a'), limit.take('a'), limit.take('a'), limit.take('b')]).toEqual([0, 0, 30, 0]);
  now = 29_000;
  expect(limit.take('a')).toBe(1);
  now = 30_000;
  expect([limit.take('a'), limit.take('a')]).toEqual([0, 30]);
  for (let i = 0; i < 2_000; i += 1) limit.take(`address-${i}`);
  expect([limit.take('a'), limit.take('a')]).toEqual([0, 0]);
});
