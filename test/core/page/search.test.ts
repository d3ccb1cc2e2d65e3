import { describe, expect, test } from 'vitest';
import { atOnce } from '../../../src/api/pieces.ts';
import { search } from '../../../src/core/page/search.ts';
import { aNodeOp, aReport, facts, NOW } from '../../support/page-facts.ts';

const reports = Array.from({ length: 2_000 }, (_, i) =>
  aReport(
    `runs/2030/r${i}.yaml`,
    {
      phase: i % 10 === 0 ? 'Failed' : 'Completed',
      startedAt: new Date(NOW - i * 1000).toISOString(),
      ...(i % 10 === 0 && {
        nodes: [
          {
            name: 'node-1',
            phase: 'Failed' as const,
            message: 'command failed: exit code 3: Write protected',
          },
        ],
      }),
    },
    {
      run: { path: `runs/2030/r${i}.yaml`, author: i % 2 === 0 ? 'Ada' : 'Grace' },
      cluster: i % 4 === 0 ? 'paris' : 'berlin',
    },
  ),
);
const FACTS = facts({
  reports,
  layout: { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'berlin' },
});

describe('a search over thousands of reports', () => {
  test.each([
    ['nothing asked for: all', {}, 2_000],
    ['a state', { state: 'Failed' as const }, 200],
    ['a cluster', { cluster: 'paris' }, 500],
    ['a person', { person: 'Grace' }, 1_000],
    ['a word of a path', { text: 'R1234.yaml' }, 1],
    ['a cause of failures, whatever its letters', { text: 'PROTECTED write' }, 200],
    [
      'all of them together',
      { state: 'Failed' as const, cluster: 'paris', person: 'Ada', text: 'exit 3' },
      100,
    ],
    ['words that stand nowhere together', { text: 'r1.yaml r2.yaml' }, 0],
  ])('%s', (_, query, found) => {
    const answer = atOnce(search(query, FACTS));
    expect(answer.found).toBe(found);
    expect(answer.rows.length).toBe(Math.min(100, found));
    expect(answer.total).toBe(2_000);
  });

  test('goes on where it ended, each run once, newest first', () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const answer = atOnce(
        search({ person: 'Grace', state: 'Completed', ...(cursor && { cursor }) }, FACTS),
      );
      seen.push(...answer.rows.map(({ key }) => key));
      cursor = answer.next;
    } while (cursor !== undefined);
    const wanted = reports.filter((it, i) => i % 2 === 1 && it.status.phase === 'Completed');
    expect(seen).toEqual(
      wanted.map(({ run, cluster }) => (cluster === 'berlin' ? '' : '=paris/') + run.path.slice(5)),
    );
  });

  test('stops often enough for others to have their turn', () => {
    let steps = 0;
    for (const _ of search({ text: 'write' }, FACTS)) steps += 1;
    expect(steps).toBeGreaterThan(8);
  });

  test('finds no line of a log for who may not read logs', () => {
    const sees = { namespace: 'ops', nodeOps: 'all' as const, logs: 'none' as const };
    expect(atOnce(search({ text: 'protected' }, { ...FACTS, sees })).found).toBe(0);
  });

  test('finds runs that go on by what they say now', () => {
    const nodeOp = aNodeOp('flash', {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', message: 'waiting for the window' }],
    });
    expect(atOnce(search({ text: 'window' }, facts({ nodeOps: [nodeOp] }))).rows[0]?.key).toBe('~ops/flash');
  });

  test.each(['', 'x', Buffer.from('1e99 x').toString('base64url')])(
    'a made-up cursor %j is none',
    (cursor) => {
      expect(atOnce(search({ cursor }, FACTS)).rows[0]?.name).toBe('runs/2030/r0.yaml');
    },
  );
});
