import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Host, HostError, refusal } from '../../src/host/host.ts';
import { openHost } from '../../src/host/open.ts';
import { GitHost, TOKEN } from '../support/git-host.ts';

const COMMIT = 'a'.repeat(40);
const STATUS = {
  context: 'nodeop-agent/berlin/flash',
  state: 'success',
  description: '3 of 3 nodes completed',
  targetUrl: 'https://git.example.org/report',
} as const;

describe.each(['github', 'gitlab', 'gitea'] as const)('%s', (provider) => {
  let stub: GitHost;
  let host: Host;

  beforeEach(async () => {
    stub = await GitHost.start(provider);
    host = await openHost({ provider, apiUrl: stub.apiUrl, project: 'ops/nodes', token: TOKEN });
  });
  afterEach(() => stub.stop());

  test('a status is set, and read back by its context', async () => {
    expect(await host.status(COMMIT, STATUS.context)).toBeUndefined();
    await host.setStatus(COMMIT, { ...STATUS, context: 'somebody else', state: 'failure' });
    await host.setStatus(COMMIT, STATUS);
    expect(await host.status(COMMIT, STATUS.context)).toEqual(STATUS);
    expect(stub.requests.every(({ authorized }) => authorized)).toBe(true);
  });

  test.each(['pending', 'running', 'success', 'failure', 'error', 'cancelled'] as const)(
    'the state %s is one the host takes',
    async (state) => {
      await host.setStatus(COMMIT, { ...STATUS, state });
      expect(await host.status(COMMIT, STATUS.context)).toMatchObject({ description: STATUS.description });
    },
  );

  test('the pull request of a commit is found, and none is no error', async () => {
    expect(await host.pullRequestOf(COMMIT)).toBeUndefined();
    stub.pullRequests.set(COMMIT, 12);
    expect(await host.pullRequestOf(COMMIT)).toBe(12);
  });

  test('our own comment is found behind many others, though somebody forged its beginning', async () => {
    stub.addComment(12, 'mallory', '<!-- ours --> forged');
    for (let i = 0; i < 250; i += 1) stub.addComment(12, 'ada', `talk ${i}`);
    expect(await host.findComment(12, '<!-- ours -->')).toBeUndefined();
    await host.addComment(12, '<!-- ours -->\nfirst');
    const found = await host.findComment(12, '<!-- ours -->');
    expect(found?.body).toBe('<!-- ours -->\nfirst');
    await host.editComment(12, found?.id ?? 0, '<!-- ours -->\nsecond');
    expect(stub.of(12).at(-1)?.body).toBe('<!-- ours -->\nsecond');
    expect(stub.of(12)).toHaveLength(252);
  });

  test('too many requests say how long to wait, and are not repeated by the client', async () => {
    stub.faults.push({ status: 429, headers: { 'retry-after': '17' } });
    const error = await host.setStatus(COMMIT, STATUS).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(HostError);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 17_000, permanent: false });
    expect(stub.requests).toHaveLength(1);
  });

  test('wrong credentials, a missing commit, and no answer are told apart; the token is in no error', async () => {
    const other = await openHost({
      provider,
      apiUrl: stub.apiUrl,
      project: 'ops/nodes',
      token: 'wrong-secret',
    });
    const refused = await other.setStatus(COMMIT, STATUS).catch((it: unknown) => it as HostError);
    expect(refused).toMatchObject({ status: 401, permanent: false });
    const nowhere = await openHost({ provider, apiUrl: stub.apiUrl, project: 'ops/none', token: TOKEN });
    const missing = await nowhere.setStatus(COMMIT, STATUS).catch((it: unknown) => it as HostError);
    expect(missing).toMatchObject({ status: 404, permanent: true });
    stub.faults.push('cut');
    const cut = await host.setStatus(COMMIT, STATUS).catch((it: unknown) => it as HostError);
    expect(cut).toMatchObject({ status: 0, permanent: false });
    expect(String(cut)).toMatch(/no answer from 127\.0\.0\.1:\d+/);
    for (const error of [refused, missing, cut]) expect(String(error)).not.toMatch(/secret/);
  });

  test('an answer that breaks off is no answer', async () => {
    stub.faults.push('torn');
    const error = await host.status(COMMIT, STATUS.context).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(HostError);
    expect(error).toMatchObject({ status: 0, permanent: false });
  });

  test('a redirect, which would carry the token elsewhere, is not followed', async () => {
    stub.faults.push({ status: 307, headers: { location: `${stub.url}/elsewhere` } });
    await expect(host.setStatus(COMMIT, STATUS)).rejects.toMatchObject({ status: 0 });
    expect(stub.requests).toHaveLength(1);
  });
});

test.each([
  ['seconds', { 'retry-after': '5' }, 429, 5_000],
  ['a date', { 'retry-after': 'Tue, 01 Jan 2030 00:00:30 GMT' }, 429, 30_000],
  ['a date that is over', { 'retry-after': 'Mon, 31 Dec 2029 00:00:30 GMT' }, 429, 0],
  [
    'a used-up window of GitHub',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1893456060' },
    429,
    60_000,
  ],
  [
    'a used-up window of GitLab',
    { 'ratelimit-remaining': '0', 'ratelimit-reset': '1893456020' },
    429,
    20_000,
  ],
  ['a window with room', { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': '1893456060' }, 403, undefined],
  ['nonsense', { 'retry-after': 'later' }, 403, undefined],
])('a refusal with %s', (_, headers: Record<string, string>, status, retryAfterMs) => {
  const error = refusal(403, (name) => headers[name], 'no', Date.parse('2030-01-01T00:00:00Z'));
  expect({ status: error.status, retryAfterMs: error.retryAfterMs }).toEqual({ status, retryAfterMs });
});
