import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NodeOpReport, ReportPhase } from '../../src/api/report.ts';
import { commentMarker, withRun } from '../../src/core/feedback/comment.ts';
import { filePage, projectAt } from '../../src/core/feedback/links.ts';
import { runStatus, statusContext, worthTelling } from '../../src/core/feedback/status.ts';

const MARKER = commentMarker('nodeop-agent', undefined);

function report(path: string, phase: ReportPhase, changes: object = {}): NodeOpReport {
  return {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'NodeOpReport',
    metadata: { name: path },
    run: { path, commit: 'c'.repeat(40) },
    status: { phase, ...changes },
  };
}

test('any order of any news leaves one section a run, with its newest state, within the size', () => {
  const path = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
  const phase = fc.constantFrom<ReportPhase>(
    'Pending',
    'Running',
    'Completed',
    'Failed',
    'Cancelled',
    'Invalid',
  );
  const message = fc.string({ maxLength: 2000 });
  const news = fc.array(fc.record({ path, phase, message }), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(news, (all) => {
      let comment: string | undefined;
      for (const it of all) {
        const nodes = Array.from({ length: 40 }, (_, i) => ({
          name: `n${i}`,
          phase: 'Failed',
          message: it.message,
        }));
        comment = withRun(comment, MARKER, report(it.path, it.phase, { nodes }), 'https://example.org/r');
        expect(comment.length).toBeLessThanOrEqual(60_000);
        expect(comment.startsWith(MARKER)).toBe(true);
        const mine = comment.split(`<!-- run ${encodeURIComponent(it.path)} -->`);
        expect(mine).toHaveLength(2);
        expect(mine[1]?.split('\n')[1]).toContain(`**${it.phase}**`);
      }
      expect(withRun(comment, MARKER, report('again', 'Running'), '')).toBe(
        withRun(
          withRun(comment, MARKER, report('again', 'Running'), ''),
          MARKER,
          report('again', 'Running'),
          '',
        ),
      );
    }),
    { numRuns: 60 },
  );
});

test('a pull request with more runs than a comment can hold keeps the newest ones', () => {
  let comment: string | undefined;
  for (let i = 0; i < 250; i += 1) {
    comment = withRun(comment, MARKER, report(`runs/${'x'.repeat(120)}-${i}.yaml`, 'Completed'), '');
  }
  expect(comment?.length).toBeLessThanOrEqual(60_000);
  expect(comment).toContain('-249.yaml');
  expect(comment).not.toContain('-0.yaml');
});

test('text of others is text: no mention, no markup, no end of a section', () => {
  const nodes = [{ name: 'n', phase: 'Failed', message: '@all <!-- /run --> [x](y) | **z**' }];
  const text = withRun(undefined, MARKER, report('runs/a.yaml', 'Failed', { nodes }), '');
  expect(text.match(/<!-- \/run -->/g)).toHaveLength(1);
  expect(text).toContain('@\u200ball &lt;!-- /run --&gt; \\[x\\](y) \\| \\*\\*z\\*\\*');
});

test.each([
  ['Pending', {}, 'pending', 'waiting'],
  ['Running', { summary: { total: 5, failed: 0 } }, 'running', 'under way'],
  [
    'Running',
    { summary: { total: 5, completed: 3, failed: 2 } },
    'running',
    'under way, some nodes have failed',
  ],
  [
    'Completed',
    { summary: { total: 5, completed: 5 }, durationSeconds: 125 },
    'success',
    '5 of 5 nodes completed in 2m5s',
  ],
  [
    'Failed',
    { summary: { total: 5, completed: 3, failed: 2 } },
    'failure',
    '3 of 5 nodes completed, 2 failed',
  ],
  ['Failed', { reason: 'NoNodesMatched' }, 'failure', 'no node matches'],
  [
    'Cancelled',
    { summary: { total: 5, completed: 2, cancelled: 3 } },
    'cancelled',
    'cancelled: 2 of 5 nodes completed, 3 cancelled',
  ],
  ['Invalid', { message: '3 problems' }, 'error', 'not valid, not executed: 3 problems'],
] as const)('%s with %o is %s: %s', (phase, status, state, description) => {
  expect(runStatus(report('runs/a.yaml', phase, status))).toEqual({ state, description });
});

test('contexts are one for each cluster and run', () => {
  const one = report('runs/2030/flash.yaml', 'Running');
  expect(statusContext('nodeop-agent', 'runs', one)).toBe('nodeop-agent/2030/flash');
  expect(statusContext('ops', 'runs', { ...one, cluster: 'berlin' })).toBe('ops/berlin/2030/flash');
});

test('after a restart, what is over for a week is left alone, and at most a hundred are looked after', () => {
  const now = new Date('2030-02-01T00:00:00Z');
  const old = report('old', 'Completed', { finishedAt: '2030-01-20T00:00:00Z' });
  const fresh = report('fresh', 'Completed', { finishedAt: '2030-01-31T00:00:00Z' });
  const open = report('open', 'Running', { startedAt: '2029-12-01T00:00:00Z' });
  expect(worthTelling([old, fresh, open], now).map(({ run }) => run.path)).toEqual(['fresh', 'open']);
  const many = Array.from({ length: 150 }, (_, i) => report(`r${i}`, 'Running'));
  expect(worthTelling(many, now)).toHaveLength(100);
});

test.each([
  ['github', 'https://api.github.com', 'https://github.com/ops/nodes/blob/main/results/a%20b.yaml'],
  [
    'github',
    'https://git.example.org/api/v3',
    'https://git.example.org/ops/nodes/blob/main/results/a%20b.yaml',
  ],
  ['gitlab', 'https://gitlab.com/api/v4', 'https://gitlab.com/ops/nodes/-/blob/main/results/a%20b.yaml'],
  [
    'gitea',
    'https://git.example.org/api/v1',
    'https://git.example.org/ops/nodes/src/branch/main/results/a%20b.yaml',
  ],
] as const)('the page of a report on %s at %s', (provider, apiUrl, page) => {
  expect(filePage({ provider, apiUrl, project: 'ops/nodes' }, 'main', 'results/a b.yaml')).toBe(page);
});

const GHE = { provider: 'github', apiUrl: 'https://git.example.org/api/v3' } as const;
const BELOW = { provider: 'gitlab', apiUrl: 'https://git.example.org/gitlab/api/v4' } as const;

test.each([
  ['https', GHE, 'https://git.example.org/ops/results.git', 'ops/results'],
  ['another port', GHE, 'ssh://git@git.example.org:2222/ops/results.git', 'ops/results'],
  ['the short form of ssh', GHE, 'git@git.example.org:ops/results.git', 'ops/results'],
  ['a host below a path', BELOW, 'https://git.example.org/gitlab/ops/infra/results/', 'ops/infra/results'],
  ['ssh to that host', BELOW, 'git@git.example.org:ops/infra/results', 'ops/infra/results'],
  ['another host', GHE, 'https://other.example.org/ops/results.git', ''],
  ['a path', GHE, '/srv/git/results.git', ''],
] as const)('what a repository of results is called, by %s', (_, host, url, project) => {
  expect(projectAt(host, url)).toBe(project);
});

test('a repository on another host has no page that can be told', () => {
  expect(filePage({ ...GHE, project: '' }, 'main', 'results/a.yaml')).toBe('');
});

test('a comment that others filled with beginnings, or with very many runs, is read in a moment', () => {
  const read = (before: string) => {
    const { user, system } = process.threadCpuUsage();
    const text = withRun(before, MARKER, report('runs/a.yaml', 'Completed'), '');
    const after = process.threadCpuUsage();
    expect(text.length).toBeLessThanOrEqual(60_000);
    expect(text).toContain('runs/a.yaml');
    return (after.user - user + after.system - system) / 1000;
  };
  const sections = Array.from({ length: 20_000 }, (_, i) => `<!-- run ${i} -->\nx\n<!-- /run -->\n`).join('');
  // Quadratic, each takes half a minute.
  expect(read('<!-- run a -->\n'.repeat(60_000))).toBeLessThan(2000);
  expect(read(sections)).toBeLessThan(2000);
});
