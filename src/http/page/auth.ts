import type { PageAccess } from '../../api/page-access.ts';
import type { Session } from '../../api/page.ts';
import { all, type Sees } from '../../core/page/sees.ts';
import type { Clock } from '../../core/ports.ts';
import { addressesIn, plainAddress } from '../caller.ts';
import { RateLimit } from '../rate-limit.ts';
import { readSecret, sameSecret } from '../secret.ts';
import { SESSION_MS, Sessions } from './sessions.ts';
import type { Caller, Reviews, User, Verdict, Viewer } from './viewer.ts';

/** How people are known, and what they may see. */
export interface Auth {
  readonly kind: Session['auth'];
  /** @param id of the session, where the browser has one */
  viewer: (caller: Caller, id: string | undefined) => Promise<Verdict>;
  /** Where people sign in with a token: 'refused' when it is none, 'forbidden' when its owner may see nothing. */
  signIn?: (token: string, caller: Caller) => Promise<SignedIn>;
  signOut?: (id: string) => void;
}

export type SignedIn = { id: string; viewer: Viewer } | 'refused' | 'forbidden' | { waitSeconds: number };

export interface AuthOptions {
  page: PageAccess;
  trustedProxies: readonly string[];
  /** The agent's own namespace of NodeOps. */
  namespace: string;
  clock: Clock;
  reviews: Reviews;
}

/** Attempts to sign in a minute: of one address, and of all. */
const ATTEMPTS = { each: 10, all: 120 };
/** No token is longer; nothing longer is asked about. */
const LONGEST_TOKEN = 16 * 1024;
/** What somebody may do is asked anew after so long. */
const ASK_AGAIN_MS = 60_000;

export function authOf(options: AuthOptions): Auth {
  const { tokenFile, kubernetes, proxy } = options.page.auth ?? {};
  if (tokenFile !== undefined) return new TokenAuth(options, 'token', ownToken(tokenFile, options.namespace));
  if (kubernetes) return new TokenAuth(options, 'kubernetes', clusterToken(options));
  if (proxy) return proxyAuth(options, proxy);
  const viewer = { sees: all(options.namespace) };
  return { kind: 'none', viewer: () => Promise.resolve(viewer) };
}

/** Who a token stands for: asked at first, and again while the session lasts. */
interface Tokens {
  open: (token: string) => Promise<Standing | 'refused' | 'forbidden'>;
}

interface Standing {
  user?: string;
  /** What they may see now; undefined: nothing any more. */
  sees: () => Promise<Sees | undefined>;
}

function ownToken(file: string, namespace: string): Tokens {
  return {
    open: async (token) => {
      const wanted = await readSecret(file);
      if (!sameSecret(token, wanted)) return 'refused';
      // Whoever changes the file ends all sessions.
      const sees = async () => (sameSecret(await readSecret(file), wanted) ? all(namespace) : undefined);
      return { sees };
    },
  };
}

function clusterToken({ reviews, clock }: AuthOptions): Tokens {
  return {
    open: async (token) => {
      const user = await reviews.userOf(token);
      if (!user) return 'refused';
      const sees = askedNowAndThen(clock, () => reviews.seesOf(user));
      return (await sees()) === undefined ? 'forbidden' : { user: user.name, sees };
    },
  };
}

/** What the cluster said last, for a minute; and for longer while it does not answer. */
function askedNowAndThen(
  clock: Clock,
  ask: () => Promise<Sees | undefined>,
): () => Promise<Sees | undefined> {
  let known: { sees: Sees | undefined; at: number } | undefined;
  return async () => {
    const now = clock.steady();
    if (known && now - known.at < ASK_AGAIN_MS) return known.sees;
    try {
      known = { sees: await ask(), at: now };
    } catch (error) {
      if (!known) throw error;
      known = { ...known, at: now };
    }
    return known.sees;
  };
}

interface Kept {
  standing: Standing;
  until: number;
}

/** A form in which people put a token, and a session after that: the token itself is not kept. */
class TokenAuth implements Auth {
  readonly kind: 'token' | 'kubernetes';
  readonly #sessions: Sessions<Kept>;
  readonly #tokens: Tokens;
  readonly #clock: Clock;
  readonly #each: RateLimit;
  readonly #all: RateLimit;

  constructor({ clock }: AuthOptions, kind: 'token' | 'kubernetes', tokens: Tokens) {
    this.kind = kind;
    this.#sessions = new Sessions(clock);
    this.#tokens = tokens;
    this.#clock = clock;
    this.#each = new RateLimit(ATTEMPTS.each, clock.steady);
    this.#all = new RateLimit(ATTEMPTS.all, clock.steady);
  }

  readonly viewer = async (_: Caller, id: string | undefined): Promise<Verdict> => {
    const kept = id === undefined ? undefined : this.#sessions.get(id);
    if (!kept || id === undefined) return undefined;
    const sees = await kept.standing.sees();
    if (sees) return { user: kept.standing.user, sees, until: kept.until };
    this.#sessions.end(id);
    return undefined;
  };

  readonly signIn = async (token: string, { remote }: Caller): Promise<SignedIn> => {
    const waitSeconds = this.#each.take(remote) || this.#all.take('');
    if (waitSeconds > 0) return { waitSeconds };
    if (token === '' || token.length > LONGEST_TOKEN) return 'refused';
    const standing = await this.#tokens.open(token);
    if (typeof standing === 'string') return standing;
    const until = this.#clock.wall() + SESSION_MS;
    const id = this.#sessions.open({ standing, until });
    const sees = await standing.sees();
    return sees ? { id, viewer: { user: standing.user, sees, until } } : 'forbidden';
  };

  readonly signOut = (id: string): void => this.#sessions.end(id);
}

/** Names by which Kubernetes knows its own parts: no proxy may speak for one. */
const RESERVED = 'system:';
/** Whom a proxy has spoken for of late. */
const MOST_USERS = 1_000;

/** A proxy has signed people in and says in headers who they are. It is believed by its address. */
function proxyAuth(
  { trustedProxies, clock, reviews }: AuthOptions,
  { userHeader, groupsHeader }: NonNullable<NonNullable<PageAccess['auth']>['proxy']>,
): Auth {
  const isTrusted = addressesIn(trustedProxies);
  const known = new Map<string, () => Promise<Sees | undefined>>();
  const asked = (user: User) => {
    const key = JSON.stringify(user);
    const found = known.get(key) ?? askedNowAndThen(clock, () => reviews.seesOf(user));
    known.delete(key);
    known.set(key, found);
    const [oldest] = known.keys();
    if (known.size > MOST_USERS && oldest !== undefined) known.delete(oldest);
    return found();
  };
  return {
    kind: 'proxy',
    viewer: async ({ headers, peer }) => {
      if (!isTrusted(plainAddress(peer))) return undefined;
      const name = headers[userHeader.toLowerCase()];
      // One that stands twice was not written by the proxy alone.
      if (typeof name !== 'string' || name === '' || name.includes(',') || name.startsWith(RESERVED))
        return undefined;
      const groups = [headers[groupsHeader.toLowerCase()] ?? []]
        .flat()
        .flatMap((it) => it.split(','))
        .map((it) => it.trim())
        .filter((it) => it !== '' && !it.startsWith(RESERVED));
      const sees = await asked({ name, groups: [...groups, 'system:authenticated'] });
      return sees ? { user: name, sees } : 'forbidden';
    },
  };
}
