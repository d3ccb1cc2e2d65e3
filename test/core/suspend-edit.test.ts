import { expect, test } from 'vitest';
import { withSuspend as edit } from '../../src/core/runs/suspend-edit.ts';

const withSuspend = (text: string, value: boolean) => edit(Buffer.from(text), value);

const NODEOP = `# Ada wrote this.
apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  generateName: flash-
spec:
  # What it is for.
  image: busybox
  command:
    - sh
    - -c
    - |
      spec:
        suspend: true
`;

test.each([
  [
    'a file that has no such field',
    NODEOP,
    true,
    NODEOP.replace('spec:\n  #', 'spec:\n  suspend: true\n  #'),
  ],
  [
    'a field that is there, with a comment',
    'kind: NodeOp\nspec:\n    image: a\n    suspend: false   # not now\n',
    true,
    'kind: NodeOp\nspec:\n    image: a\n    suspend: true   # not now\n',
  ],
  [
    'the way back',
    'kind: NodeOp\nspec:\n  suspend: true\n  image: a',
    false,
    'kind: NodeOp\nspec:\n  suspend: false\n  image: a',
  ],
  [
    'a run whose definition may be suspended',
    'kind: NodeOpRun\nspec:\n  nodeOp: a\nother: {suspend: 1}\n',
    false,
    'kind: NodeOpRun\nspec:\n  suspend: false\n  nodeOp: a\nother: {suspend: 1}\n',
  ],
  [
    'a field without a value, with a comment',
    'kind: NodeOp\nspec:\n  suspend: # not yet\n  image: a\n',
    true,
    'kind: NodeOp\nspec:\n  suspend: true # not yet\n  image: a\n',
  ],
  [
    'a byte order mark',
    '\ufeffspec:\n  image: a\nkind: NodeOp\n',
    true,
    '\ufeffspec:\n  suspend: true\n  image: a\nkind: NodeOp\n',
  ],
  [
    'an anchor elsewhere',
    'kind: NodeOp\nspec:\n  env: &e [{name: A}]\n  more: *e\n',
    true,
    'kind: NodeOp\nspec:\n  suspend: true\n  env: &e [{name: A}]\n  more: *e\n',
  ],
  [
    'line ends of Windows',
    'kind: NodeOp\r\nspec:\r\n  image: a\r\n',
    true,
    'kind: NodeOp\r\nspec:\r\n  suspend: true\r\n  image: a\r\n',
  ],
])('%s', (_, text, value, changed) => {
  expect(withSuspend(text, value)).toEqual({ ok: true, text: changed, wasSet: false });
  expect(withSuspend(changed, value)).toEqual({ ok: true, text: changed, wasSet: true });
});

test.each([
  ['spec in one line', 'kind: NodeOp\nspec: {image: a}\n'],
  ['an anchor', 'kind: NodeOp\nspec: &a\n  image: a\n'],
  ['a quoted key', 'kind: NodeOp\nspec:\n  "suspend": false\n  image: a\n'],
])('%s is left to people', (_, text) => {
  const edited = withSuspend(text, true);
  expect(edited).toMatchObject({ ok: false });
});

test.each([
  [
    'a report',
    Buffer.from('kind: NodeOpReport\nspec:\n  image: a\n'),
    'is no run file: its kind is "NodeOpReport"',
  ],
  [
    'bytes that are no text',
    Buffer.from('kind: NodeOp # \u00e4\nspec:\n  image: a\n', 'latin1'),
    'cannot be read: file is not valid UTF-8',
  ],
  [
    'several documents',
    Buffer.from('kind: NodeOp\nspec: {}\n---\nkind: NodeOp\n'),
    'cannot be read: file holds 2 documents',
  ],
])('%s is left as it is', (_, bytes, problem) => {
  expect(edit(bytes, true)).toEqual({ ok: false, problem: expect.stringContaining(problem) as string });
});

test.each([
  ['is empty', '', /^cannot be read: file is empty$/],
  ['has none', 'kind: NodeOp\n', /^has no spec$/],
  ['has one that is none', 'kind: NodeOp\nspec: 3\n', /^has no spec$/],
  ['has it on one line', 'kind: NodeOp\nspec: {image: a}\n', /set spec\.suspend: true in it by hand$/],
  ['has nothing but comments in it', 'kind: NodeOp\nspec:\n  # soon\n', /^has no spec$/],
])('there is no spec to change in a file that %s', (_, text, problem) => {
  expect(withSuspend(text, true)).toEqual({ ok: false, problem: expect.stringMatching(problem) as string });
});
