import { describe, expect, test } from 'vitest';
import { AGENT_API_VERSION } from '../../src/api/config.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import {
  baselineMessage,
  commitMessage,
  ownerMessage,
  passedOverMessage,
  putBackMessage,
  restoredMessage,
  scheduledMessage,
} from '../../src/core/runs/message.ts';

const report = (path: string, status: object, more: object = {}) =>
  ({
    apiVersion: AGENT_API_VERSION,
    kind: 'NodeOpReport',
    metadata: { name: 'a' },
    run: { path },
    ...more,
    status,
  }) as NodeOpReport;

const FLASH = report(
  'runs/flash.yaml',
  { phase: 'Failed', summary: { total: 3, completed: 2, failed: 1 } },
  {
    run: { path: 'runs/flash.yaml', commit: '0123abcd' },
    cluster: 'berlin',
    nodeOp: { namespace: 'ops', name: 'flash-1' },
  },
);

describe('the message of a commit with reports', () => {
  test('of one run is how it stands, with trailers for tools', () => {
    expect(commitMessage([FLASH], true)).toBe(
      [
        'runs/flash.yaml: Failed (2 of 3 nodes completed, 1 failed) [skip ci]',
        '',
        'Run: runs/flash.yaml',
        'Run-Commit: 0123abcd',
        'Cluster: berlin',
        'NodeOp: ops/flash-1',
        '',
      ].join('\n'),
    );
  });

  test('says nothing of what is not known', () => {
    expect(commitMessage([report('runs/a.yaml', { phase: 'Pending' })], false)).toBe(
      'runs/a.yaml: Pending\n\nRun: runs/a.yaml\n',
    );
    const named = report('runs/a.yaml', { phase: 'Pending' }, { nodeOp: { name: 'a-1' } });
    expect(commitMessage([named], false)).toMatch(/\nNodeOp: a-1\n$/);
  });

  test('of several counts them by phase, and has a line for each before the trailers of all', () => {
    const runs = ['a', 'b', 'c'].map((it, i) =>
      report(`runs/${it}.yaml`, { phase: i === 1 ? 'Failed' : 'Running' }),
    );
    expect(commitMessage(runs, true).split('\n')).toEqual([
      '3 runs: 2 Running, 1 Failed [skip ci]',
      '',
      '- runs/a.yaml: Running',
      '- runs/b.yaml: Failed',
      '- runs/c.yaml: Running',
      '',
      'Run: runs/a.yaml',
      'Run: runs/b.yaml',
      'Run: runs/c.yaml',
      '',
    ]);
  });

  test('has no line or trailer that a path wrote', () => {
    const path = 'runs/a\nCluster: other\n.yaml';
    const messages = [
      commitMessage([report(path, { phase: 'Running' })], false),
      passedOverMessage([path], undefined, false),
      putBackMessage([path], undefined, false),
      scheduledMessage([path], false),
      scheduledMessage([path, path], false),
    ];
    for (const message of messages) expect(message).not.toMatch(/^(Cluster: other|\.yaml)/m);
  });
});

test.each<[string, string, string]>([
  [
    'first contact',
    baselineMessage(1, 'berlin', true),
    'First contact: 1 run file is passed over [skip ci]\n\nCluster: berlin\n',
  ],
  [
    'first contact with more, without a cluster',
    baselineMessage(2, undefined, false),
    'First contact: 2 run files are passed over\n',
  ],
  [
    'a file passed over',
    passedOverMessage(['runs/a.yaml'], 'berlin', false),
    'Passed over: runs/a.yaml\n\nCluster: berlin\n',
  ],
  [
    'files passed over',
    passedOverMessage(['a', 'b'], undefined, true),
    'Passed over: 2 run files [skip ci]\n',
  ],
  [
    'a file that tells whose the folder is',
    ownerMessage('results/.baseline.yaml', 'berlin', true),
    "This cluster's own: results/.baseline.yaml [skip ci]\n\nCluster: berlin\n",
  ],
  [
    'a file put back',
    restoredMessage('results/.baseline.yaml', undefined, false),
    'Put back: results/.baseline.yaml\n',
  ],
  [
    'a report put back',
    putBackMessage(['results/a.yaml'], undefined, true),
    'Put back: results/a.yaml [skip ci]\n',
  ],
  [
    'reports put back',
    putBackMessage(['a', 'b'], 'berlin', false),
    'Put back: 2 reports\n\nCluster: berlin\n',
  ],
  ['a scheduled run', scheduledMessage(['runs/a.yaml'], true), 'Scheduled: runs/a.yaml [skip ci]\n'],
  [
    'scheduled runs',
    scheduledMessage(['runs/a.yaml', 'runs/b.yaml'], false),
    'Scheduled: 2 runs\n\n- runs/a.yaml\n- runs/b.yaml\n',
  ],
])('the message of %s', (_, message, expected) => {
  expect(message).toBe(expected);
});
