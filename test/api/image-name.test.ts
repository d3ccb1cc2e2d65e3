import { describe, expect, test } from 'vitest';
import { imageProblem } from '../../src/api/image-name.ts';

const hex = (length: number) => '0123456789abcdef'.repeat(10).slice(0, length);

describe('what no container runtime reads as the name of an image', () => {
  test.each([
    'a..b',
    'a._b',
    'a___b',
    'a-',
    '-a',
    'a//b',
    '/a',
    'a/',
    'a b',
    'Alpine',
    'team/Tool',
    'é',
    'a..b/c',
    '-a.b/c',
    'a.b./c',
    'a-.b/c',
    'a:0/c',
    'a:65536/c',
    'https://a/b',
    '[zz]:1/x',
    'a:',
    'a:-b',
    `a:${'x'.repeat(129)}`,
    'a@',
    'a@sha256:',
    `a@sha256:${hex(32)}`,
    `a@sha256:${hex(65)}`,
    `a@sha256:${hex(64).toUpperCase()}`,
    `a@sha512:${hex(64)}`,
    `a@md5:${hex(32)}`,
    `a@toString:${hex(64)}`,
    `a@sha256:${hex(64)}@sha256:${hex(64)}`,
    hex(64),
    'a'.repeat(256),
  ])('%s', (image) => {
    expect(imageProblem(image)).toMatch(/^(?:must|has|is) /);
  });
});

test.each([
  'a',
  'a__b',
  'a--b.c_d',
  `${hex(64)}x`,
  `team/${hex(64)}`,
  `a@sha256:${hex(64)}`,
  `a:1@sha512:${hex(128)}`,
  'localhost/x',
  'localhost:5000/x:1',
  '10.0.0.1:65535/x',
  '[::1]:5000/x',
  '[2001:db8::1]/x',
  'Registry.Example.org/x',
  `a:${'x'.repeat(128)}`,
])('what one reads: %s', (image) => {
  expect(imageProblem(image)).toBeUndefined();
});
