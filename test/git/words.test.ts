import { expect, test } from 'vitest';
import { faultOf, wordsOf } from '../../src/git/words.ts';

test('the words of the host come first, then the refusal; how far it had come is left out', () => {
  const said = [
    'Enumerating objects: 5, done.',
    'Counting objects: 100% (5/5)\rCounting objects: 100% (5/5), done.',
    'Delta compression using up to 8 threads',
    'Compressing objects:  50% (1/2)\rCompressing objects: 100% (2/2), done.',
    'Writing objects: 100% (3/3), 300 bytes | 300.00 KiB/s, done.',
    'Total 3 (delta 1), reused 0 (delta 0), pack-reused 0',
    'remote: Resolving deltas: 100% (1/1)\rremote: Resolving deltas: 100% (1/1), completed with 1 local object.        ',
    'remote: error: GH006: Protected branch update failed for refs/heads/main.        ',
    'remote: ',
    'remote: Commit messages have to name a ticket.        ',
    'To https://git.example.org/x.git',
    ' ! [remote rejected] abc -> main (protected branch hook declined)',
    "error: failed to push some refs to 'https://git.example.org/x.git'",
  ].join('\n');
  expect(wordsOf(said).split('\n')).toEqual([
    'error: GH006: Protected branch update failed for refs/heads/main.',
    'Commit messages have to name a ticket.',
    '[remote rejected] abc -> main (protected branch hook declined)',
    "error: failed to push some refs to 'https://git.example.org/x.git'",
  ]);
});

test.each([
  ['fatal: bad object HEAD', 'fatal: bad object HEAD'],
  ['ended with 137', 'ended with 137'],
  ['exit code 1', 'exit code 1'],
  ['remote: Not found\nfatal: repository not found', 'Not found\nfatal: repository not found'],
])('%j is told as it is', (said, expected) => {
  expect(wordsOf(said)).toBe(expected);
});

test('what a host says is bounded, and costs no more than it is long', () => {
  expect(wordsOf(`remote: ${'x'.repeat(100_000)}`).length).toBeLessThan(3000);
  const begun = performance.now();
  wordsOf('remote: \r\n'.repeat(200_000));
  wordsOf(`remote: ${' '.repeat(500_000)}x`);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('a fault of an object is told from other failures', () => {
  const id = '1a4c75c7def9ebb8e6d16632a8952868accb49c7';
  const said = `git fetch: error: object ${id}: duplicateEntries: contains duplicate file entries\nfatal: fsck error in packed object`;
  expect(faultOf(said)).toEqual({ object: id, kind: 'duplicateEntries' });
  expect(faultOf('git fetch: fatal: bad object x')).toBeUndefined();
});

test('what a host says acts nowhere: no colours, nothing that turns the order of characters around', () => {
  const said =
    'remote: \u001b[1;31mBlocked\u001b[0m by \u202Erule\u009b2J 7\u0007\r\nremote: see the docs\r\n';
  expect(wordsOf(said)).toBe('Blocked by rule 7\nsee the docs');
});
