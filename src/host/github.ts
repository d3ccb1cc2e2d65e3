import { Octokit } from '@octokit/core';
import { type CommitStatus, type Host, type HostAccess, hostFetch, HostError, refusal } from './host.ts';

/**
 * GitHub, and GitHub Enterprise Server by its `/api/v3`.
 * https://docs.github.com/rest/commits/statuses, /rest/commits/commits, /rest/issues/comments
 */
export function githubHost({ apiUrl, project, token }: HostAccess, signal?: AbortSignal): Host {
  const octokit = new Octokit({
    auth: token,
    baseUrl: apiUrl,
    userAgent: 'nodeop-agent',
    request: { fetch: (url: string, init: RequestInit) => hostFetch(url, init, signal) },
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });
  const [owner = '', repo = ''] = project.split('/');
  const at = { owner, repo };
  let login: Promise<string | undefined> | undefined;
  return {
    status: async (commit, context) => {
      const { data } = await told(
        octokit.request('GET /repos/{owner}/{repo}/commits/{ref}/status', {
          ...at,
          ref: commit,
          per_page: 100,
        }),
      );
      const found = data.statuses.find((it) => it.context === context);
      if (found === undefined) return undefined;
      const { description, target_url: targetUrl } = found;
      return {
        context,
        state: fromState(found.state),
        description: description ?? '',
        targetUrl: targetUrl ?? '',
      };
    },
    setStatus: async (commit, { context, state, description, targetUrl }) => {
      const page = targetUrl === '' ? {} : { target_url: targetUrl };
      const body = { ...at, sha: commit, context, description, ...page, state: toState(state) };
      await told(octokit.request('POST /repos/{owner}/{repo}/statuses/{sha}', body));
    },
    pullRequestOf: async (commit) => {
      const path = 'GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls';
      const { data } = await told(octokit.request(path, { ...at, commit_sha: commit }));
      return (data.find((it) => it.merged_at !== null) ?? data[0])?.number;
    },
    findComment: async (pullRequest, marker) => {
      login ??= ownLogin(octokit);
      const own = await login;
      for (let page = 1; ; page += 1) {
        const path = 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments';
        // oxlint-disable-next-line no-await-in-loop -- page after page, until it is found
        const { data } = await told(
          octokit.request(path, { ...at, issue_number: pullRequest, per_page: 100, page }),
        );
        const found = data.find(({ body, user }) => {
          const ours = own === undefined ? user?.type === 'Bot' : user?.login === own;
          return ours && body?.startsWith(marker);
        });
        if (found) return { id: Number(found.id), body: found.body ?? '' };
        if (data.length < 100) return undefined;
      }
    },
    addComment: async (pullRequest, body) => {
      const path = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
      await told(octokit.request(path, { ...at, issue_number: pullRequest, body }));
    },
    editComment: async (_, id, body) => {
      const path = 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}';
      await told(octokit.request(path, { ...at, comment_id: id, body }));
    },
  };
}

/** Who the token belongs to; undefined for tokens of Apps and workflows, which may not ask and are bots. */
async function ownLogin(octokit: Octokit): Promise<string | undefined> {
  try {
    return (await told(octokit.request('GET /user'))).data.login;
  } catch (error) {
    if (error instanceof HostError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}

/** GitHub has four states; https://docs.github.com/rest/commits/statuses#create-a-commit-status. */
function toState(state: CommitStatus['state']): 'pending' | 'success' | 'failure' | 'error' {
  if (state === 'running') return 'pending';
  return state === 'cancelled' ? 'error' : state;
}

function fromState(state: string): CommitStatus['state'] {
  return state === 'success' || state === 'failure' || state === 'error' ? state : 'pending';
}

/** The client's errors as ours. */
async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw asHostError(error);
  }
}

interface RequestError extends Error {
  status: number;
  response?: { headers: Record<string, string | number | undefined> };
}

function asHostError(error: unknown): unknown {
  if (error instanceof Error && error.cause instanceof HostError) return error.cause;
  if (!(error instanceof Error) || error.name !== 'HttpError') return error;
  const { status, response, message } = error as RequestError;
  const header = (name: string) => {
    const value = response?.headers[name];
    return value === undefined ? undefined : String(value);
  };
  return refusal(response === undefined ? 0 : status, header, message);
}
