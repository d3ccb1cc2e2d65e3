import { expect, test } from 'vitest';
import { said, saidLines } from '../../src/page/browser/words.ts';

test('what turns text around or is not seen is shown as an escape, and nothing else is changed', () => {
  expect(said('runs/\u202egnp.yaml')).toBe(String.raw`runs/\u{202e}gnp.yaml`);
  expect(said('one\ttwo\nthree')).toBe(String.raw`one\ttwo\nthree`);
  expect(saidLines('a\tb\u0007\n\u2066c')).toBe('a\tb\\u{7}\n\\u{2066}c');
});

test('no line is a command here, whatever the log of a workflow would make of it', () => {
  const script = 'n=${NAME##[a-z]*}\n::error::x\n##vso[x]';
  expect(saidLines(script)).toBe(script);
  expect(said('##[group]')).toBe('##[group]');
});
