import { expect, test } from 'vitest';
import { load } from '../../src/api/yaml.ts';

const read = (text: string) => load(new TextEncoder().encode(text));

test.each([
  ['in a flow mapping', 'spec: {overrides: {__proto__: {image: x}}}', 'spec.overrides.__proto__', 1, 20],
  ['on a line of its own', 'spec:\n  overrides:\n    __proto__: x\n', 'spec.overrides.__proto__', 3, 5],
  ['in a selector', 'a: {matchLabels: {__proto__: x}}', 'a.matchLabels.__proto__', 1, 19],
  ['in quotes', 'a: {"__proto__": x}', 'a.__proto__', 1, 6],
  ['escaped', String.raw`a: {"\u005f_proto__": x}`, 'a.__proto__', 1, 6],
  ['in a list', 'a: [{b: 1}, {__proto__: x}]', 'a.1.__proto__', 1, 14],
])('a key that would be dropped in silence is refused: %s', (_, text, path, line, column) => {
  const loaded = read(text);
  expect(loaded).toEqual({
    ok: false,
    problems: [expect.objectContaining({ message: 'is no name of a field', line, column })],
  });
  if (!loaded.ok) expect(loaded.problems[0]?.path.join('.')).toBe(path);
});

test('the same word as a value is a value', () => {
  expect(read('a: __proto__\nb: "\\\\ constructor"')).toMatchObject({ ok: true, raw: { a: '__proto__' } });
});
