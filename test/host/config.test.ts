import { expect, test } from 'vitest';
import { FeedbackSchema } from '../../src/api/feedback.ts';
import { check, formatProblem } from '../../src/api/schema.ts';

const GOOD = { provider: 'gitlab', project: 'ops/infra/nodes', tokenFile: '/token' };

test.each([
  ['a public host', {}],
  ['a project by its number', { project: '4711' }],
  ['a host of one’s own, on a path', { apiUrl: 'https://git.example.org/gitlab/api/v4/' }],
  ['this machine without TLS', { apiUrl: 'http://127.0.0.1:3000/api/v4' }],
])('%s is taken', (_, changes) => {
  expect(check(FeedbackSchema, { ...GOOD, ...changes })).toMatchObject({ ok: true });
});

test.each([
  [
    'another machine without TLS',
    { apiUrl: 'http://git.example.org/api/v4' },
    'apiUrl: must be https: the token would be readable on its way',
  ],
  [
    'no address at all',
    { apiUrl: 'git.example.org' },
    'apiUrl: expected an http or https address, found "git.example.org"',
  ],
  ['another protocol', { apiUrl: 'ftp://git.example.org' }, 'apiUrl: expected an http or https address'],
  ['gitea without its address', { provider: 'gitea', project: 'ops/nodes' }, 'apiUrl: is required for gitea'],
  ['a deep project on GitHub', { provider: 'github' }, 'project: expected <owner>/<name>'],
  ['a project of one word', { project: 'nodes' }, 'project: expected <owner>/<name>, found "nodes"'],
  [
    'a typing error',
    { tokenfile: '/token' },
    'tokenfile: unknown field "tokenfile"; did you mean "tokenFile"?',
  ],
])('%s is refused', (_, changes, problem) => {
  const result = check(FeedbackSchema, { ...GOOD, ...changes });
  expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([problem]);
});
