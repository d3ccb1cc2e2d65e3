import { plain } from '../../src/core/text/output.ts';
import { expect, test } from 'vitest';
import { summarise } from '../../src/core/rollout/summary.ts';
import { causeOf, podReason, saidBefore } from '../../src/core/rollout/words.ts';
import { type Counts, countsText, doneText } from '../../src/core/text/counts.ts';
import { naturally } from '../../src/core/text/order.ts';
import { spoken } from '../../src/core/text/table.ts';

test.each<[Counts, string, string]>([
  [{ total: 5, completed: 5 }, '5 of 5 nodes completed', '5/5'],
  [{ total: 1, completed: 1 }, '1 of 1 node completed', '1/1'],
  [{ total: 5, completed: 3, skipped: 1, failed: 2 }, '3 of 5 nodes completed (1 skipped), 2 failed', '3/5'],
  [{ total: 6, completed: 4, cancelled: 2 }, '4 of 6 nodes completed, 2 cancelled', '4/6'],
  [
    { total: 9, completed: 2, failed: 1, pending: 4, inFlight: 2 },
    '2 of 9 nodes completed, 1 failed, 6 left',
    '2/9',
  ],
  [{}, '0 of 0 nodes completed', '0/0'],
])('%j in words', (counts, words, column) => {
  expect(countsText(counts)).toBe(words);
  expect(doneText(counts)).toBe(column);
});

test('nodes that were never touched do not count as done, and those with nothing to do as skipped', () => {
  const summary = summarise([
    { phase: 'Completed', jobName: 'a' },
    { phase: 'Completed', message: 'Skipped by preflight: is there' },
    { phase: 'Cancelled' },
    { phase: 'Failed', jobName: 'b' },
    { phase: 'Running' },
  ]);
  expect(summary).toMatchObject({ total: 5, completed: 2, skipped: 1, failed: 1, cancelled: 1, done: '2/5' });
  expect(countsText(summary)).toBe('2 of 5 nodes completed (1 skipped), 1 failed, 1 cancelled, 1 left');
});

test.each([
  [0, '0 s'],
  [3, '3 s'],
  [119, '119 s'],
  [120, '2 min'],
  [258, '4 min 18 s'],
  [600, '10 min'],
  [7500, '2 h 5 min'],
  [90_000, '1 d 1 h'],
])('%d seconds are %s', (seconds, words) => {
  expect(spoken(seconds)).toBe(words);
});

test('names are shown in the order people expect', () => {
  const names = ['node-10', 'node-2', 'node-1', 'node-100', 'a1b10', 'a1b9', 'node-02'];
  expect(names.toSorted(naturally)).toEqual([
    'a1b9',
    'a1b10',
    'node-1',
    'node-02',
    'node-2',
    'node-10',
    'node-100',
  ]);
});

const pod = (message: string | undefined) => ({
  name: 'p',
  uid: 'p',
  started: true,
  deleting: false,
  createdAt: 0,
  state: 'failed' as const,
  exitCode: 3,
  reason: 'Error',
  message,
});

test.each([
  ['one line', 'flash is write-protected', 'flash is write-protected', undefined],
  [
    'a log',
    'Flashing…\n 40 %\nflash is write-protected\n\n  \n',
    'flash is write-protected',
    'Flashing…\n 40 %\nflash is write-protected',
  ],
  ['carriage returns', '10 %\r20 %\rbroken pipe\r\n', 'broken pipe', '10 %\n20 %\nbroken pipe'],
  ['nothing', ' \n', undefined, undefined],
  ['no message', undefined, undefined, undefined],
])('the cause of a failure, from %s', (_, message, cause, before) => {
  expect(causeOf(pod(message))).toBe(cause);
  expect(saidBefore(pod(message))).toBe(before);
  expect(podReason(pod(message))).toBe(cause === undefined ? 'exit code 3' : `exit code 3: ${cause}`);
});

test.each([
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b[1;38;5;196mbold\u001b[m and \u009b4mline', 'bold and line'],
  ['\u001b]8;;https://example.org\u0007link\u001b]8;;\u0007', 'link'],
  ['\u001b]0;title\u001b\\text', 'text'],
  ['\u001b(Bplain\u001bM', 'plain'],
  ['\u001b]never ended\nnext line', '\nnext line'],
])('nothing is left of terminal sequences: %j', (text, expected) => {
  expect(plain(text)).toBe(expected);
});
