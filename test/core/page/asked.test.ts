import { describe, expect, test } from 'vitest';
import { addActions, retryAction, steerActions } from '../../../src/core/page/actions.ts';
import { agentView } from '../../../src/core/page/agent.ts';
import type { GitPlace } from '../../../src/core/page/git-place.ts';
import { newFile } from '../../../src/core/page/git-place.ts';
import { nodeView } from '../../../src/core/page/node.ts';
import { aNode, aNodeOp, aReport, facts, NOW } from '../../support/page-facts.ts';

const GIT: GitPlace = {
  provider: 'github',
  apiUrl: 'https://api.github.com',
  project: 'acme/ops',
  branch: 'main',
};
const ABOUT = { past: [], looked: 0, reading: false };

describe('what can be done in Git', () => {
  test('a run can be added, and everything held until it is', () => {
    const kinds = (more: object) => addActions(facts(more)).map(({ kind, path }) => `${kind} ${path}`);
    expect(kinds({})).toEqual(['new runs/NAME.yaml', 'hold hold.yaml']);
    expect(kinds({ lease: { hold: 'storm' } })).toEqual(['new runs/NAME.yaml']);
    const [add, hold] = addActions(facts({ git: GIT }));
    expect(add?.url).toMatch(
      /^https:\/\/github\.com\/acme\/ops\/new\/main\?filename=runs%2FNAME\.yaml&value=apiVersion/,
    );
    expect(add?.text).toMatch(
      /^apiVersion: agent\.nodeop\.dev\/v1alpha1\nkind: NodeOpRun\nspec:\n {2}nodeOp: /,
    );
    expect(hold).toMatchObject({ text: 'reason: WHY\n', filled: true });
    expect(addActions(facts())[0]).not.toHaveProperty('url');
  });

  const file = (text: string) => ({ path: 'runs/a.yaml', bytes: Buffer.from(text) });
  const RUN = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: a\n';

  test('a run can be suspended or, if it is, resumed, and cancelled in any case', () => {
    const actions = (text: string, isBegun = true) =>
      steerActions(file(text), isBegun, facts({ git: GIT })).map(({ kind, line, text: to, url }) => [
        kind,
        line,
        to,
        url,
      ]);
    const edit = 'https://github.com/acme/ops/edit/main/runs/a.yaml';
    const cancel = ['cancel', undefined, undefined, 'https://github.com/acme/ops/delete/main/runs/a.yaml'];
    expect(actions(RUN)).toEqual([['suspend', 4, '  suspend: true', edit], cancel]);
    expect(actions(`${RUN}  suspend: true\n`)).toEqual([['resume', 5, '  suspend: false', edit], cancel]);
    // A program cannot tell which line that would be.
    expect(actions('kind: NodeOpRun\nspec: {nodeOp: a}\n')).toEqual([cancel]);
  });

  test('what cancelling comes to depends on whether it has begun', () => {
    const effect = (isBegun: boolean) => steerActions(file(RUN), isBegun, facts()).at(-1)?.effect;
    expect(effect(true)).toMatch(/no further node starts/);
    expect(effect(false)).toMatch(/the run never begins/);
  });

  test('a run that is over is repeated under the next name that is free', () => {
    const past = {
      run: 'runs/a.yaml',
      namespace: 'ops',
      name: 'a-1',
      cluster: undefined,
      spec: { command: ['a'] },
      nodes: [{ name: 'node-1', phase: 'Failed' as const }],
    };
    const path = (run: string, ...taken: string[]) =>
      retryAction(
        { ...past, run },
        facts({ reports: taken.map((it) => aReport(it, { phase: 'Completed' })) }),
        undefined,
        new Map(),
      )?.path;
    expect(path('runs/a.yaml')).toBe('runs/a-retry.yaml');
    expect(path('runs/a.yaml', 'runs/a-retry.yaml')).toBe('runs/a-retry-2.yaml');
    expect(path('runs/a-retry.yaml')).toBe('runs/a-retry-2.yaml');
    // One without a run file gets one by the name of its NodeOp.
    expect(path('ops/a-1')).toBe('runs/a-1-retry.yaml');
    expect(retryAction({ ...past, nodes: [] }, facts(), undefined, new Map())).toBeUndefined();
  });

  test('an address that is too long for hosts leaves the content to people', () => {
    const gitea: GitPlace = { ...GIT, provider: 'gitea', apiUrl: 'https://git.example.org/api/v1' };
    for (const place of [GIT, gitea]) {
      const { length } = newFile(place, 'runs/a.yaml', '').url;
      expect(newFile(place, 'runs/a.yaml', 'x'.repeat(6000 - length)).filled).toBe(true);
      const { url, filled } = newFile(place, 'runs/a.yaml', 'x'.repeat(6001 - length));
      expect(filled).toBe(false);
      expect(url).not.toContain('xxx');
    }
  });
});

describe('the agent', () => {
  test('is told as it is: who leads, what it reads, and what has yet to begin', () => {
    const agent = {
      servedBy: 'standby' as const,
      version: '1.2.3',
      kubernetes: 'v1.33',
      repository: 'https://github.com/acme/ops',
      branch: 'main',
      tip: 'abc',
      lastPoll: NOW,
      problems: ['a problem'],
    };
    const record = {
      waiting: [
        { run: 'runs/a.yaml', reason: 'NotBefore', message: 'waits\nlong', until: '2030-02-01T00:00:00Z' },
      ],
      waitingCount: 7,
      passedOver: 1,
      passedOverRuns: ['runs/b.yaml'],
      misnamed: ['runs/c.yml~ is none'],
    };
    const view = agentView(facts({ agent, record, git: GIT, lease: { holder: 'pod-1' }, stale: 'old' }));
    expect(view.head).toEqual({
      stale: 'old',
      leader: 'pod-1',
      leads: false,
      ...agent,
      tipUrl: 'https://github.com/acme/ops/commit/abc',
      problems: ['a problem', 'runs/c.yml~ is none'],
      queued: 7,
      passedOver: expect.stringContaining('1 run file (runs/b.yaml)') as string,
    });
    expect(view.rows).toEqual([
      {
        key: 'a.yaml',
        name: 'runs/a.yaml',
        reason: 'NotBefore',
        message: 'waits',
        until: Date.parse('2030-02-01T00:00:00Z'),
      },
    ]);
  });

  test('has nothing to say of what may not be read, or is not there', () => {
    expect(agentView(facts({ record: undefined })).head).toEqual({
      leads: true,
      servedBy: 'leader',
      version: '1.0.0',
      problems: [],
      queued: 0,
    });
    expect(agentView(facts()).head).not.toHaveProperty('passedOver');
  });
});

describe('one node', () => {
  const began = (at: string, more: object = {}) => ({
    phase: 'Failed' as const,
    jobName: "flash's",
    startedAt: at,
    finishedAt: at,
    message: 'command failed: exit code 1: secret',
    ...more,
  });
  const op = (name: string, entry: object, created = '2030-01-31T20:00:00Z', namespace = 'ops') => {
    const nodeOp = aNodeOp(name, { phase: 'Running', nodeStatuses: { a: entry as never } }, { namespace });
    nodeOp.metadata.creationTimestamp = created;
    return nodeOp;
  };

  test('commands lead to its Job, to why it is as it is, and to its cordon', () => {
    const commands = (node: ReturnType<typeof aNode>, ...nodeOps: ReturnType<typeof op>[]) =>
      nodeView(
        { node: 'a', ...ABOUT },
        facts({ nodeOps, nodes: [node], access: { own: ' --own', kubectl: ' --context=x' } }),
      ).head.commands;
    expect(commands(aNode('a'))).toEqual(['nodeop-agent explain a --own']);
    const failed = op('flash', began('2030-01-31T21:00:00Z'));
    expect(commands(aNode('a', { by: 'ops/flash@uid-flash' }), failed)).toEqual([
      `kubectl --context=x --namespace ops describe job 'flash'\\''s'`,
      `kubectl --context=x --namespace ops logs job/'flash'\\''s'`,
      'nodeop-agent explain a --own',
      'kubectl --context=x uncordon a',
    ]);
  });

  test('its history is that of the NodeOps that are there and of the reports before, each run once', () => {
    const nodeOps = [
      op('new', began('2030-01-31T21:30:00Z'), '2030-01-31T21:00:00Z'),
      op('old', began('2030-01-31T20:30:00Z')),
      op('waits', { phase: 'Pending' }),
      op('hidden', began('2030-01-31T20:40:00Z'), '2030-01-31T20:10:00Z', 'other'),
    ];
    const report = aReport(
      'runs/r.yaml',
      { phase: 'Completed' },
      { nodeOp: { namespace: 'ops', name: 'r' } },
    );
    const entry = { name: 'a', phase: 'Completed' as const, finishedAt: '2030-01-01T00:00:00Z' };
    const sees = { namespace: 'ops', nodeOps: 'own', logs: 'none' } as const;
    const past = [
      { report: 'results/r.yaml', entry },
      { report: 'results/nobody.yaml', entry },
    ];
    const { head, rows } = nodeView(
      { node: 'a', ...ABOUT, past },
      facts({ nodeOps, nodes: [aNode('a')], reports: [report], sees }),
    );
    const told = rows.map(({ key, phase, message, finishedAt }) => [key, { phase, message, finishedAt }]);
    const failed = { phase: 'Failed', message: 'command failed: exit code 1' };
    expect(told).toHaveLength(3);
    expect(Object.fromEntries(told)).toEqual({
      '~ops/new': { ...failed, finishedAt: Date.parse('2030-01-31T21:30:00Z') },
      '~ops/old': { ...failed, finishedAt: Date.parse('2030-01-31T20:30:00Z') },
      'r.yaml': { phase: 'Completed', message: undefined, finishedAt: Date.parse('2030-01-01T00:00:00Z') },
    });
    expect(head.waiting.map(({ id, name }) => [id, name])).toEqual([['~ops/waits', 'ops/waits']]);
  });
});
