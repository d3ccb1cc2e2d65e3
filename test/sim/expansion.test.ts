import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { expand } from '../../src/sim/node/expansion.ts';

test.each([
  ['$(A)$(B)', '1$(B)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$(a$(A)', '$(a$(A)'],
  ['$(A', '$(A'],
  ['$', '$'],
  ['$A$(A)', '$A1'],
  ['$(__proto__)$(toString)', '$(__proto__)$(toString)'],
])('%s', (text, expanded) => {
  expect(expand(text, { A: '1' })).toBe(expanded);
});

test('as a kubelet does it, whatever the text is, and in a moment however long that is', () => {
  const piece = fc.constantFrom('$', '(', ')', 'A', 'B', 'x');
  fc.assert(
    fc.property(
      fc.array(piece).map((it) => it.join('')),
      (text) => {
        const expanded = text.replaceAll(/\$(?:\$|\(([^)]{0,200})\))/g, (whole: string, name?: string) =>
          name === undefined ? '$' : name === 'A' ? '1' : whole,
        );
        expect(expand(text, { A: '1' })).toBe(expanded);
      },
    ),
  );
  expect(expand('$('.repeat(500_000), {})).toHaveLength(1_000_000);
});
