import { createHmac } from 'node:crypto';

/** Pushes to `branch` of `platform/operations`, in the shape each host documents (with fields nobody reads). */

const AFTER = '59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5';

export const githubPush = (branch: string, name = 'platform/operations') => ({
  ref: `refs/heads/${branch}`,
  before: '0000000000000000000000000000000000000000',
  after: AFTER,
  created: false,
  deleted: false,
  forced: false,
  compare: `https://github.com/${name}/compare/a...b`,
  commits: [{ id: AFTER, message: 'Roll out', added: ['runs/a.yaml'], removed: [], modified: [] }],
  head_commit: { id: AFTER },
  repository: {
    id: 35129377,
    name: name.split('/')[1],
    full_name: name,
    private: true,
    html_url: `https://github.com/${name}`,
    clone_url: `https://github.com/${name}.git`,
    ssh_url: `git@github.com:${name}.git`,
    default_branch: 'main',
  },
  pusher: { name: 'ada', email: 'ada@example.org' },
  sender: { login: 'ada', id: 6752317 },
});

export const gitlabPush = (branch: string, name = 'platform/operations') => ({
  object_kind: 'push',
  event_name: 'push',
  before: '95790bf891e76fee5e1747ab589903a6a1f80f22',
  after: AFTER,
  ref: `refs/heads/${branch}`,
  ref_protected: true,
  checkout_sha: AFTER,
  user_username: 'ada',
  project_id: 15,
  project: {
    id: 15,
    name: 'operations',
    web_url: `https://gitlab.example.org/${name}`,
    git_ssh_url: `git@gitlab.example.org:${name}.git`,
    git_http_url: `https://gitlab.example.org/${name}.git`,
    path_with_namespace: name,
    default_branch: 'main',
  },
  commits: [{ id: AFTER, title: 'Roll out', added: ['runs/a.yaml'] }],
  total_commits_count: 1,
});

export const giteaPush = (branch: string, name = 'platform/operations') => ({
  ref: `refs/heads/${branch}`,
  before: '28e1879d029cb852e4844d9c718537df08844e03',
  after: AFTER,
  compare_url: `https://git.example.org/${name}/compare/a...b`,
  commits: [{ id: AFTER, message: 'Roll out' }],
  repository: {
    id: 140,
    owner: { id: 1, login: 'platform' },
    name: 'operations',
    full_name: name,
    html_url: `https://git.example.org/${name}`,
    ssh_url: `ssh://git@git.example.org:2222/${name}.git`,
    clone_url: `https://git.example.org/${name}.git`,
  },
  pusher: { id: 1, login: 'ada' },
});

export const bitbucketCloudPush = (branch: string, name = 'platform/operations') => ({
  actor: { display_name: 'Ada', type: 'user' },
  repository: { type: 'repository', full_name: name, name: 'operations', scm: 'git', is_private: true },
  push: {
    changes: [
      {
        new: { type: 'branch', name: branch, target: { type: 'commit', hash: AFTER } },
        old: { type: 'branch', name: branch, target: { type: 'commit', hash: 'a' } },
        created: false,
        closed: false,
        forced: false,
        truncated: false,
      },
      { new: null, old: { type: 'tag', name: 'v1' }, created: false, closed: true },
    ],
  },
});

export const bitbucketDataCenterPush = (branch: string, [key, slug] = ['PLATFORM', 'operations']) => ({
  eventKey: 'repo:refs_changed',
  date: '2030-01-31T10:00:00+0100',
  actor: { name: 'ada', id: 1, slug: 'ada' },
  repository: { slug, id: 84, name: slug, scmId: 'git', project: { key, id: 84, name: 'Platform' } },
  changes: [
    {
      ref: { id: `refs/heads/${branch}`, displayId: branch, type: 'BRANCH' },
      refId: `refs/heads/${branch}`,
      fromHash: 'ecddabb624f6f5ba43816f5926e580a5f680a932',
      toHash: AFTER,
      type: 'UPDATE',
    },
  ],
});

export const hex = (secret: string, text: string) =>
  createHmac('sha256', secret).update(text, 'utf8').digest('hex');

export const base64 = (secret: string | Buffer, text: string) =>
  createHmac('sha256', secret).update(text, 'utf8').digest('base64');
