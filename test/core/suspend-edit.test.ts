import { expect, test } from 'vitest';
import { withSuspend } from '../../src/core/runs/suspend-edit.ts';

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
