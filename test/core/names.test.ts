import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_NAME, nameProblem, pathOfBytes, pathOfText } from '../../src/core/runs/names.ts';

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(parts.map((it) => (typeof it === 'string' ? Buffer.from(it) : Buffer.from([it]))));
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((it) => !it.includes('/'));

test('a name that can be shown stays as it is, and is no problem', () => {
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), (parts) => {
      const path = parts.map((it) => it.toWellFormed().slice(0, 60).toWellFormed()).join('/');
      expect(pathOfBytes(Buffer.from(path))).toBe(path);
      expect(pathOfText(path)).toBe(path);
      expect(nameProblem(path)).toBeUndefined();
    }),
  );
  // Without its mark a name would be another one.
  expect(pathOfBytes(bytes('\ufeffa.yaml'))).toBe('\ufeffa.yaml');
});

test('a name that is not UTF-8 has one of its own, part by part, in which it can be recognised', () => {
  const path = pathOfBytes(bytes('runs/caf', 0xe9, 0x0a, '.yaml'));
  expect(path).toMatch(/^runs\/caf%E9%0A\.not-utf-8-[0-9a-f]{16}\.yaml$/);
  expect(nameProblem(path)).toMatch(/not UTF-8/);
  const folder = pathOfBytes(bytes('runs/', 0xff, '/a.yaml'));
  expect(folder).toMatch(/^runs\/%FF\.not-utf-8-[0-9a-f]{16}\/a\.yaml$/);
  expect(nameProblem(folder)).toMatch(/not UTF-8/);
});

test('two names never become one', () => {
  const some = fc.uint8Array({ minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(some, some, (a, b) => {
      const isSame = Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
      expect(pathOfBytes(Buffer.from(a)) === pathOfBytes(Buffer.from(b))).toBe(isSame);
    }),
  );
  const long = (last: string) => pathOfBytes(Buffer.from(`${'a'.repeat(MAX_NAME)}${last}`));
  expect(long('a')).not.toBe(long('b'));
});

test('a name that is too long is told by its beginning, others beside it stay', () => {
  const most = `${'a'.repeat(MAX_NAME - 5)}.yaml`;
  expect(pathOfText(`runs/${most}`)).toBe(`runs/${most}`);
  const path = pathOfText(`runs/${'b'.repeat(120)}/a${most}`);
  expect(path).toMatch(new RegExp(`^runs/b{120}/a{100}\\.too-long-[0-9a-f]{16}\\.yaml$`));
  expect(nameProblem(path)).toMatch(/longer than 255 bytes/);
  // What is shown of it is no longer than that, however many bytes have to be escaped.
  expect(pathOfText('ä'.repeat(200))).toMatch(/^(%[0-9A-F]{2}){33}%\.too-long-[0-9a-f]{16}$/);
});
