import { expect, test } from 'vitest';
import { atOnce } from '../../../src/api/pieces.ts';
import type { NodeOpReport } from '../../../src/api/report.ts';
import { cardOf } from '../../../src/core/page/card.ts';
import { entryIn, readCard } from '../../../src/core/page/report-parts.ts';
import { formatReport } from '../../../src/core/runs/report.ts';
import { aReport } from '../../support/page-facts.ts';

const PLACE = { report: 'results/flash.yaml', blob: 'b' };
const NODES: NonNullable<NodeOpReport['status']['nodes']> = [
  {
    name: 'node-1',
    phase: 'Failed',
    message: 'command failed: exit code 3: write protected',
    log: 'a\n    - name: node-9\n      phase: Failed\nb',
  },
  { name: 'node-2', phase: 'Completed', finishedAt: '2030-01-31T22:00:00Z' },
  { name: '10', phase: 'Failed', message: 'it: "is"\n#broken' },
];
const report = (nodes = NODES) =>
  aReport(
    'runs/flash.yaml',
    {
      phase: 'Failed',
      message: 'x: y',
      startedAt: '2030-01-31T21:00:00Z',
      summary: { total: 3, completed: 1, failed: 2 },
      nodes,
    },
    { nodeOp: { namespace: 'ops', name: 'flash' }, spec: { command: ['sh', '-c', 'a\n  nodes:\nb'] } },
  );
const bytesOf = (it: NodeOpReport) => Buffer.from(formatReport(it));

test('a card made of parts is the one made of the whole', () => {
  for (const it of [
    report(),
    report([]),
    aReport('runs/typo.yaml', { phase: 'Invalid', problems: [{ message: 'x' }] }),
  ])
    expect(atOnce(readCard(bytesOf(it), PLACE))).toEqual(cardOf(it, PLACE));
});

test('one that people have laid out otherwise is read as a whole', () => {
  const moved = `${formatReport(report())}cluster: paris\n`;
  expect(atOnce(readCard(Buffer.from(moved), PLACE))).toEqual({
    ...cardOf(report(), PLACE),
    cluster: 'paris',
  });
});

test('of very many failures the first are told', () => {
  const nodes = Array.from({ length: 5_000 }, (_, i) => ({
    name: `node-${i}`,
    phase: 'Failed' as const,
    message: `exit code ${i}`,
  }));
  expect(atOnce(readCard(bytesOf(report(nodes)), PLACE))?.causes?.split('\n').length).toBe(5);
});

test.each(['node-1', 'node-2', '10'])('what a report says of %s', (name) => {
  expect(entryIn(bytesOf(report()), name)).toEqual(NODES.find((it) => it.name === name));
});

test.each(['node-9', 'node', 'node-3', ''])('it has no node %j', (name) => {
  expect(entryIn(bytesOf(report()), name)).toBeUndefined();
});

test.each(['', 'kind: Other\n', '\n  nodes:\n', '\n  nodes:\n    - name: x\n', 'a: [\n  nodes:\n- name: a'])(
  '%j is no report',
  (text) => {
    expect(atOnce(readCard(Buffer.from(text), PLACE))).toBeUndefined();
  },
);
