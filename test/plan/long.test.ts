import { expect, test } from 'vitest';
import type { NodeOpSpec } from '../../src/api/nodeop.ts';
import { previewMarkdown } from '../../src/core/preview/markdown.ts';

test.each([
  [
    'of a long spec',
    { command: ['x'.repeat(70_000)] },
    ['note'],
    /^### ✅ `runs\/a\.yaml`\n[^]*too long to be shown/,
  ],
  [
    'of many notes',
    { command: ['x'] },
    Array.from({ length: 2000 }, () => 'a note '.repeat(9)),
    /^### ✅ `runs\/a/,
  ],
])('a plan %s is cut to what a Git host takes', (_, spec, notes, expected) => {
  const preview = {
    run: 'runs/a.yaml',
    nodeOp: 'default/a',
    cluster: undefined,
    parameters: [],
    blockers: [],
    notes,
    batches: 0,
    shortestSeconds: 0,
    nodes: [],
    spec: { soakSeconds: 0, drainOptions: { enabled: true }, ...spec } as unknown as NodeOpSpec,
  };
  const text = previewMarkdown(preview, 60_000);
  expect(text).toMatch(expected);
  expect(text.length).toBeLessThanOrEqual(60_000);
  expect(text.endsWith('\n')).toBe(true);
});
