import { expect, test } from 'vitest';
import { code } from '../../src/core/text/markup.ts';

test.each([
  ['plain', '`plain`'],
  ['two\n lines', '`two lines`'],
  ['a|b', String.raw`\`a\|b\``],
  ['a`b', '`` a`b ``'],
  ['a``b`c', '``` a``b`c ```'],
  ['`', '`` ` ``'],
  [' ', '` `'],
])('%j as code: no backtick in it ends it', (text, expected) => {
  expect(code(text)).toBe(expected.replaceAll('\\`', '`'));
});
