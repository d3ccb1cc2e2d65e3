import type { IncomingMessage } from 'node:http';
import type { Session } from '../../api/page.ts';
import type { Auth } from './auth.ts';
import { type Asked, isForeign, Refusal, sessionOf } from './request.ts';
import { sessionCookie } from './sessions.ts';
import type { Viewer } from './viewer.ts';

export interface SignInOptions {
  auth: Auth;
  version: string;
  /** Told of who signed in, or could not. */
  onSignIn?: ((outcome: string, fields: { remote: string; user?: string | undefined }) => void) | undefined;
  /** Somebody has signed out. What is done about it is not waited for. */
  onSignOut: () => void;
}

interface Answer {
  session: Session;
  headers?: Record<string, string>;
}

/** Who looks, and how people sign in and out. */
export class SignIn {
  readonly #options: SignInOptions;

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  /** Throws a Refusal when nobody is known, or may see nothing. */
  async viewer(asked: Asked): Promise<Viewer> {
    const viewer = await this.#options.auth.viewer(asked, sessionOf(asked));
    if (viewer === undefined) throw new Refusal(401, 'sign in first');
    if (viewer === 'forbidden') throw new Refusal(403, NOTHING_TO_SEE);
    return viewer;
  }

  /** What is asked of a session: how it stands, its beginning, its end. */
  async answer(asked: Asked, method: string): Promise<Answer> {
    const { auth } = this.#options;
    if (method === 'GET') {
      const viewer = await auth.viewer(asked, sessionOf(asked));
      const isForbidden = viewer === 'forbidden';
      const session = this.#sessionOf(isForbidden ? undefined : viewer);
      return { session: { ...session, ...(isForbidden && { problem: NOTHING_TO_SEE }) } };
    }
    if (method !== 'POST' && method !== 'DELETE')
      throw new Refusal(405, 'use GET, POST or DELETE', { allow: 'GET, POST, DELETE' });
    if (isForeign(asked)) throw new Refusal(403, 'other pages do not sign anybody in');
    if (method === 'POST') return this.#signIn(asked);
    const id = sessionOf(asked);
    if (id !== undefined) auth.signOut?.(id);
    this.#options.onSignOut();
    const headers = { 'set-cookie': sessionCookie(undefined, asked.isSecure) };
    return { session: this.#sessionOf(undefined), headers };
  }

  async #signIn(asked: Asked): Promise<Answer> {
    const { auth, onSignIn } = this.#options;
    const { remote, isSecure } = asked;
    if (!auth.signIn) throw new Refusal(404, 'nobody signs in here');
    const token = tokenIn(await bodyOf(asked.request));
    const signed = await auth.signIn(token, asked);
    if (signed === 'refused') {
      onSignIn?.('refused', { remote });
      throw new Refusal(401, 'this token is not taken');
    }
    if (signed === 'forbidden') {
      onSignIn?.('may see nothing', { remote });
      throw new Refusal(403, NOTHING_TO_SEE);
    }
    if ('waitSeconds' in signed) {
      onSignIn?.('too many attempts', { remote });
      const retry = { 'retry-after': String(signed.waitSeconds) };
      throw new Refusal(429, `too many attempts; again in ${signed.waitSeconds} s`, retry);
    }
    onSignIn?.('signed in', { remote, user: signed.viewer.user });
    const headers = { 'set-cookie': sessionCookie(signed.id, isSecure) };
    return { session: this.#sessionOf(signed.viewer), headers };
  }

  #sessionOf(viewer: Viewer | undefined): Session {
    const { auth, version } = this.#options;
    const { user, until, sees } = viewer ?? {};
    return {
      auth: auth.kind,
      signedIn: viewer !== undefined,
      ...(user !== undefined && { user }),
      mayReadLogs: sees !== undefined && sees.logs !== 'none',
      ...(until !== undefined && { until }),
      version,
    };
  }
}

const NOTHING_TO_SEE =
  'you may see nothing here: that takes the right to list nodeops in the namespace of the agent';

const MAX_BODY = 20 * 1024;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  // What a form of another page can send is never this.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new Refusal(415, 'send application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refusal(413, `a request may have ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tokenIn(body: Buffer): string {
  try {
    const read: unknown = JSON.parse(body.toString());
    const token: unknown = typeof read === 'object' && read !== null ? Reflect.get(read, 'token') : undefined;
    if (typeof token === 'string') return token.trim();
  } catch {
    // Told below.
  }
  throw new Refusal(400, 'send {"token": "…"}');
}
