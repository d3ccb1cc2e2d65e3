import { ZodError } from 'zod';
import { systemClock } from '../time/clock.ts';
import { bitbucket } from './hooks/bitbucket.ts';
import { generic } from './hooks/generic.ts';
import { gitea } from './hooks/gitea.ts';
import { github } from './hooks/github.ts';
import { gitlab } from './hooks/gitlab.ts';
import type { Provider, Push } from './hooks/provider.ts';
import { isRepository } from './hooks/repository.ts';
import { RateLimit } from './rate-limit.ts';
import { readSecret, sameSecret } from './secret.ts';
import type { HttpAnswer, HttpRequest, Route } from './server.ts';

const PROVIDERS = { github, gitlab, gitea, bitbucket, generic } satisfies Record<string, Provider>;
type ProviderName = keyof typeof PROVIDERS;

export interface TriggerOptions {
  /** The followed repository and branch; news of others is ignored. */
  url: string;
  branch: string;
  /** Files with the secret of each kind of webhook that is wanted. */
  hooks: { [Name in ProviderName]?: { secretFile: string } | undefined };
  /** File with the bearer token of `POST /poll`, when that is wanted. */
  pollTokenFile?: string | undefined;
  /** Calls a minute from one address. */
  rateLimit: number;
  /** Asks for a poll at once; `reason` is for the log. */
  poll: (reason: string) => void;
  /** Told of a call that was refused, or of a secret that cannot be read; neither holds a secret. */
  onRefused: (path: string, reason: string, remote: string) => void;
  now?: () => number;
}

/** A poll with its reason, an answer, or the file whose secret cannot be read (whose path is not the caller's business). */
type Verdict = HttpAnswer | { poll: string } | { unreadable: string };

/** What asks for a poll from outside: `POST /hooks/<provider>`, signed, and `POST /poll` with a token. */
export function triggerRoutes(options: TriggerOptions): Route[] {
  const limit = new RateLimit(options.rateLimit);
  const route = (path: string, judge: (request: HttpRequest) => Promise<Verdict>): Route => ({
    method: 'POST',
    path,
    admit: ({ remote }) => {
      const wait = limit.take(remote);
      if (wait === 0) return undefined;
      options.onRefused(path, TOO_MANY, remote);
      return tooMany(wait);
    },
    handle: async (request) => {
      const verdict = await judge(request);
      if ('unreadable' in verdict) {
        options.onRefused(path, `the secret in ${verdict.unreadable} cannot be read`, request.remote);
        return refused(503, 'the secret of this path cannot be read; the log says more');
      }
      if ('poll' in verdict) {
        options.poll(verdict.poll);
        return { code: 202, body: { poll: true } };
      }
      const { error } = verdict.body as { error?: string };
      if (error !== undefined) options.onRefused(path, error, request.remote);
      return verdict;
    },
  });
  const hooks = Object.entries(options.hooks).flatMap(([name, hook]) =>
    hook === undefined
      ? []
      : [
          route(`/hooks/${name}`, (request) =>
            judgeHook(name as ProviderName, hook.secretFile, request, options),
          ),
        ],
  );
  const { pollTokenFile } = options;
  if (pollTokenFile === undefined) return hooks;
  return [...hooks, route('/poll', (request) => judgeCall(pollTokenFile, request))];
}

async function judgeHook(
  name: ProviderName,
  secretFile: string,
  request: HttpRequest,
  { url, branch, now = systemClock.wall }: TriggerOptions,
): Promise<Verdict> {
  const provider: Provider = PROVIDERS[name];
  const secret = await readSecret(secretFile).catch(() => undefined);
  if (secret === undefined) return { unreadable: secretFile };
  if (!provider.verify(request, secret, now()))
    return refused(401, 'the signature does not match, or is too old');
  let push: Push | undefined;
  try {
    push = provider.push(payloadOf(request.body), request.headers);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ZodError)) throw error;
    return refused(400, `not a webhook of ${name}: ${problemOf(error)}`);
  }
  if (push === undefined) return ignored('not a push');
  if (!push.repository.some((it) => isRepository(url, it))) {
    return ignored(`${(push.repository[0] ?? '').slice(0, MAX_TOLD)} is not the followed repository`);
  }
  // A poll too many does no harm, and one too few delays what was pushed.
  if (!push.branches.includes(branch) && push.isCut !== true)
    return ignored(`only branch ${branch} is followed`);
  return { poll: `webhook of ${name}` };
}

async function judgeCall(tokenFile: string, { headers }: HttpRequest): Promise<Verdict> {
  const token = await readSecret(tokenFile).catch(() => undefined);
  if (token === undefined) return { unreadable: tokenFile };
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]?.trimStart() ?? '';
  if (sameSecret(given, token)) return { poll: 'asked for over HTTP' };
  const answer = refused(401, 'a bearer token is needed, and this is not it');
  return { ...answer, headers: { 'www-authenticate': 'Bearer' } };
}

/** JSON, or the form with JSON in its `payload` that GitHub sends unless told otherwise. */
function payloadOf(body: Buffer): unknown {
  const text = body.toString();
  const form = text.startsWith('payload=') ? new URLSearchParams(text).get('payload') : undefined;
  return JSON.parse(form ?? text) as unknown;
}

function problemOf(error: SyntaxError | ZodError): string {
  if (error instanceof SyntaxError) return 'the body is not JSON';
  const told = error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`);
  return told.join('; ').slice(0, MAX_TOLD);
}

/** Characters of a call that its answer and the log repeat. */
const MAX_TOLD = 500;

const TOO_MANY = 'too many calls from this address';

function tooMany(wait: number): HttpAnswer {
  return { ...refused(429, TOO_MANY), headers: { 'retry-after': String(wait) } };
}

function refused(code: number, error: string): HttpAnswer {
  return { code, body: { error } };
}

function ignored(reason: string): HttpAnswer {
  return { code: 200, body: { poll: false, reason } };
}
