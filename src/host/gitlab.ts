import { Commits, MergeRequestNotes, Users } from '@gitbeaker/core';
import { createRequesterFn } from '@gitbeaker/requester-utils';
import { type CommitStatus, type Host, type HostAccess, hostFetch, HostError, refusal } from './host.ts';

/**
 * GitLab. https://docs.gitlab.com/api/commits/, /api/notes/
 * The client's own request handler answers 429 with ten immediate retries; ours asks once and hands on
 * what the host asks to wait.
 */
export function gitlabHost({ apiUrl, project, token }: HostAccess, signal?: AbortSignal): Host {
  const requesterFn = createRequesterFn(
    (_, request) => Promise.resolve(request),
    (endpoint, options) => send(endpoint, options as Sent, signal),
  );
  const options = { host: apiUrl.replace(/\/api\/v4$/, ''), token, requesterFn } as const;
  const commits = new Commits(options);
  const notes = new MergeRequestNotes(options);
  const users = new Users(options);
  let ownId: Promise<number | undefined> | undefined;
  return {
    status: async (commit, context) => {
      const [found] = await commits.allStatuses(project, commit, { name: context });
      if (found === undefined) return undefined;
      const { description, targetUrl, target_url: url } = found as unknown as Record<string, string | null>;
      return {
        context,
        state: fromState(found.status),
        description: description ?? '',
        targetUrl: url ?? targetUrl ?? '',
      };
    },
    setStatus: async (commit, { context, state, description, targetUrl }) => {
      const more = { name: context, description, ...(targetUrl === '' ? {} : { targetUrl }) };
      try {
        await commits.editStatus(project, commit, toState(state), more);
      } catch (error) {
        // A status that is not over cannot be set to what it is already, not even to change its description.
        const goesOn = state === 'running' || state === 'pending';
        if (!(goesOn && error instanceof HostError && error.status === 400)) throw error;
      }
    },
    pullRequestOf: async (commit) => {
      const requests = await commits.allMergeRequests(project, commit);
      return (requests.find(({ state }) => state === 'merged') ?? requests[0])?.iid;
    },
    findComment: async (pullRequest, marker) => {
      ownId ??= ownUser(users);
      const own = await ownId;
      const all = await notes.all(project, pullRequest, { sort: 'asc', orderBy: 'created_at', perPage: 100 });
      const found = all.find(({ author, body }) => {
        return (own === undefined || author.id === own) && body.startsWith(marker);
      });
      return found && { id: found.id, body: found.body };
    },
    addComment: async (pullRequest, body) => {
      await notes.create(project, pullRequest, body);
    },
    editComment: async (pullRequest, id, body) => {
      await notes.edit(project, pullRequest, id, { body });
    },
  };
}

async function ownUser(users: Users): Promise<number | undefined> {
  try {
    return (await users.showCurrentUser()).id;
  } catch (error) {
    if (error instanceof HostError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}

interface Sent {
  prefixUrl?: string;
  searchParams?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

async function send(endpoint: string, { prefixUrl, searchParams, ...rest }: Sent, signal?: AbortSignal) {
  const url = new URL(endpoint, prefixUrl?.endsWith('/') ? prefixUrl : `${prefixUrl ?? ''}/`);
  url.search = searchParams ?? '';
  const { method = 'GET', headers = {}, body } = rest;
  const response = await hostFetch(url, { method, headers, ...(body === undefined ? {} : { body }) }, signal);
  const text = await response.text();
  if (!response.ok) {
    const header = (name: string) => response.headers.get(name) ?? undefined;
    throw refusal(response.status, header, `GitLab answered ${response.status}: ${text.slice(0, 300)}`);
  }
  return {
    body: (text === '' ? undefined : JSON.parse(text)) as Record<string, unknown>,
    headers: Object.fromEntries(response.headers.entries()),
    status: response.status,
  };
}

/** https://docs.gitlab.com/api/commits/#set-commit-pipeline-status. */
function toState(state: CommitStatus['state']): 'pending' | 'running' | 'success' | 'failed' | 'canceled' {
  if (state === 'failure' || state === 'error') return 'failed';
  return state === 'cancelled' ? 'canceled' : state;
}

function fromState(state: string): CommitStatus['state'] {
  if (state === 'failed') return 'failure';
  if (state === 'canceled') return 'cancelled';
  return state === 'success' || state === 'running' ? state : 'pending';
}
