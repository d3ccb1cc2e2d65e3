import { type CommitStatus, type Host, type HostAccess, hostFetch, HostError, refusal } from './host.ts';

interface GiteaStatus {
  context: string;
  status: string;
  description?: string | null;
  target_url?: string | null;
}

interface GiteaComment {
  id: number;
  body: string;
  user?: { login?: string };
}

/**
 * Gitea, and what is compatible with it (Forgejo), by its `/api/v1`; the API has no client library that
 * keeps up with it, and seven requests need none. https://docs.gitea.com/api/
 */
export function giteaHost({ apiUrl, project, token }: HostAccess, signal?: AbortSignal): Host {
  const repository = `/repos/${project.split('/').map(encodeURIComponent).join('/')}`;
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = {
      authorization: `token ${token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await hostFetch(`${apiUrl}${path}`, init, signal);
    const text = await response.text();
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
    const header = (name: string) => response.headers.get(name) ?? undefined;
    throw refusal(response.status, header, `Gitea answered ${response.status}: ${text.slice(0, 300)}`);
  };
  /** What a request finds; undefined instead of one of these answers. */
  const unless = async <T>(statuses: readonly number[], answer: Promise<T>): Promise<T | undefined> => {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof HostError && statuses.includes(error.status)) return undefined;
      throw error;
    }
  };
  let login: Promise<string | undefined> | undefined;
  return {
    status: async (commit, context) => {
      const path = `${repository}/commits/${commit}/status?limit=50`;
      const { statuses } = await ask<{ statuses: GiteaStatus[] | null }>('GET', path);
      const found = statuses?.find((it) => it.context === context);
      if (found === undefined) return undefined;
      const { description, target_url: targetUrl } = found;
      return {
        context,
        state: fromState(found.status),
        description: description ?? '',
        targetUrl: targetUrl ?? '',
      };
    },
    setStatus: async (commit, { context, state, description, targetUrl }) => {
      const page = targetUrl === '' ? {} : { target_url: targetUrl };
      const body = { context, description, ...page, state: toState(state) };
      await ask('POST', `${repository}/statuses/${commit}`, body);
    },
    pullRequestOf: async (commit) => {
      const path = `${repository}/commits/${commit}/pull`;
      return (await unless([404], ask<{ number: number }>('GET', path)))?.number;
    },
    findComment: async (pullRequest, marker) => {
      login ??= unless([403, 404], ask<{ login: string }>('GET', '/user')).then((it) => it?.login);
      const own = await login;
      const all = await ask<GiteaComment[]>('GET', `${repository}/issues/${pullRequest}/comments`);
      return all.find(
        ({ user, body }) => (own === undefined || user?.login === own) && body.startsWith(marker),
      );
    },
    addComment: async (pullRequest, body) => {
      await ask('POST', `${repository}/issues/${pullRequest}/comments`, { body });
    },
    editComment: async (_, id, body) => {
      await ask('PATCH', `${repository}/issues/comments/${id}`, { body });
    },
  };
}

function toState(state: CommitStatus['state']): 'pending' | 'success' | 'failure' | 'error' {
  if (state === 'running') return 'pending';
  return state === 'cancelled' ? 'error' : state;
}

function fromState(state: string): CommitStatus['state'] {
  return state === 'success' || state === 'failure' || state === 'error' ? state : 'pending';
}
