import { describe, expect, test } from 'vitest';
import {
  commitPage,
  deleteUrl,
  editUrl,
  fileUrl,
  type GitPlace,
  gitPlaceOf,
  newFile,
  pullRequestOf,
} from '../../../src/core/page/git-place.ts';

const github: GitPlace = {
  provider: 'github',
  apiUrl: 'https://api.github.com',
  project: 'acme/ops',
  branch: 'main',
};
const gitlab: GitPlace = {
  provider: 'gitlab',
  apiUrl: 'https://gitlab.example.org/api/v4',
  project: 'team/sub/ops',
  branch: 'release/1',
};
const gitea: GitPlace = {
  provider: 'gitea',
  apiUrl: 'https://git.example.org/api/v1',
  project: 'acme/ops',
  branch: 'main',
};
const PATH = 'runs/2030/a b#1.yaml';

describe('pages of the host', () => {
  test.each([
    [
      github,
      {
        file: 'https://github.com/acme/ops/blob/main/runs/2030/a%20b%231.yaml#L4',
        edit: 'https://github.com/acme/ops/edit/main/runs/2030/a%20b%231.yaml',
        remove: 'https://github.com/acme/ops/delete/main/runs/2030/a%20b%231.yaml',
        commit: 'https://github.com/acme/ops/commit/abc',
        added: 'https://github.com/acme/ops/new/main?filename=runs%2F2030%2Fa+b%231.yaml&value=kind%3A+X%0A',
        filled: true,
      },
    ],
    [
      gitlab,
      {
        file: 'https://gitlab.example.org/team/sub/ops/-/blob/release/1/runs/2030/a%20b%231.yaml#L4',
        edit: 'https://gitlab.example.org/team/sub/ops/-/edit/release/1/runs/2030/a%20b%231.yaml',
        remove: 'https://gitlab.example.org/team/sub/ops/-/blob/release/1/runs/2030/a%20b%231.yaml',
        commit: 'https://gitlab.example.org/team/sub/ops/-/commit/abc',
        added: 'https://gitlab.example.org/team/sub/ops/-/new/release/1/runs/2030/?file_name=a+b%231.yaml',
        filled: false,
      },
    ],
    [
      gitea,
      {
        file: 'https://git.example.org/acme/ops/src/branch/main/runs/2030/a%20b%231.yaml#L4',
        edit: 'https://git.example.org/acme/ops/_edit/main/runs/2030/a%20b%231.yaml',
        remove: 'https://git.example.org/acme/ops/_delete/main/runs/2030/a%20b%231.yaml',
        commit: 'https://git.example.org/acme/ops/commit/abc',
        added:
          'https://git.example.org/acme/ops/_new/main/runs/2030/?filename=a+b%231.yaml&value=kind%3A+X%0A',
        filled: true,
      },
    ],
  ])('of $provider', (place, wanted) => {
    const { url, filled } = newFile(place, PATH, 'kind: X\n');
    expect({
      file: fileUrl(place, PATH, 4),
      edit: editUrl(place, PATH),
      remove: deleteUrl(place, PATH),
      commit: commitPage(place, 'abc'),
      added: url,
      filled,
    }).toEqual(wanted);
  });

  test.each([github, gitea])('a long content is not put into the address ($provider)', (place) => {
    const { url, filled } = newFile(place, 'runs/x.yaml', 'x'.repeat(10_000));
    expect(filled).toBe(false);
    expect(url).not.toContain('value=');
    expect(url.length).toBeLessThan(200);
  });
});

describe('the pull request a commit names', () => {
  test.each([
    [github, 'Merge pull request #12 from ada/flash', 'https://github.com/acme/ops/pull/12'],
    [github, 'Roll out after review (#7)', 'https://github.com/acme/ops/pull/7'],
    [
      gitea,
      "Merge pull request 'Flash' (#3) from ada/flash into main",
      'https://git.example.org/acme/ops/pulls/3',
    ],
    [
      gitlab,
      "Merge branch 'flash' into 'release/1'\n\nFlash\n\nSee merge request team/sub/ops!41",
      'https://gitlab.example.org/team/sub/ops/-/merge_requests/41',
    ],
    [github, 'Mend issue #12', undefined],
    [gitlab, 'Merge pull request #12 from ada/flash', undefined],
  ])('%# of %s', (place, message, url) => {
    expect(pullRequestOf(place, message)?.url).toBe(url);
  });
});

describe('which host it is', () => {
  test.each([
    ['https://github.com/acme/ops.git', 'github acme/ops'],
    ['https://user:secret@github.com/acme/ops.git', 'github acme/ops'],
    ['git@github.com:acme/ops.git', 'github acme/ops'],
    ['ssh://git@gitlab.example.org:2222/team/sub/ops.git', 'gitlab team/sub/ops'],
    ['https://gitlab.example.org:8443/team/ops', 'gitlab team/ops'],
    ['https://codeberg.org/acme/ops', 'gitea acme/ops'],
    ['https://git.example.org/acme/ops', undefined],
    ['https://notgithub.com/acme/ops', undefined],
    ['/srv/git/ops.git', undefined],
    ['file:///srv/git/ops.git', undefined],
    [undefined, undefined],
  ])('%s', (url, wanted) => {
    const place = gitPlaceOf({ url, branch: 'main' });
    expect(place && `${place.provider} ${place.project}`).toBe(wanted);
    expect(JSON.stringify(place ?? '')).not.toContain('secret');
  });

  test('the one that is spoken with says it where the address does not', () => {
    const feedback = {
      provider: 'gitea' as const,
      apiUrl: 'https://git.example.org/api/v1',
      project: 'acme/ops',
    };
    expect(gitPlaceOf({ feedback, url: '/srv/mirror.git', branch: 'main' })).toEqual(gitea);
    expect(
      gitPlaceOf({ feedback: { ...feedback, project: '42' }, url: '/srv/x', branch: 'main' }),
    ).toBeUndefined();
  });
});
