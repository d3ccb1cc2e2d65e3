import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../core/ports.ts';

/** How long one is signed in. */
export const SESSION_MS = 3_600_000;
/** More people than look at once; the oldest session goes for another. */
const MOST = 1_000;

interface Entry<Value> {
  value: Value;
  /** On the steady clock. */
  endsAt: number;
}

/** Who is signed in, by an id that only their browser knows: what is kept here is a hash of it. */
export class Sessions<Value> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<Value>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the id */
  open(value: Value): string {
    const id = randomBytes(32).toString('base64url');
    this.#entries.set(hashOf(id), { value, endsAt: this.#clock.steady() + SESSION_MS });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MOST && oldest !== undefined) this.#entries.delete(oldest);
    return id;
  }

  get(id: string): Value | undefined {
    const key = hashOf(id);
    const entry = this.#entries.get(key);
    if (entry && entry.endsAt > this.#clock.steady()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  end(id: string): void {
    this.#entries.delete(hashOf(id));
  }
}

/** Looked up by its hash, in a time that says nothing about ids that are there. */
function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

const NAME = 'nodeop-page';

/** Under TLS a name that no other host of the domain can set. */
function nameOf(isSecure: boolean): string {
  return isSecure ? `__Host-${NAME}` : NAME;
}

export function sessionId(cookies: string | undefined, isSecure: boolean): string | undefined {
  const wanted = `${nameOf(isSecure)}=`;
  const found = (cookies ?? '').split(';').map((it) => it.trim());
  const value = found.find((it) => it.startsWith(wanted))?.slice(wanted.length);
  return value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined;
}

/** Of a session that begins; without an id it ends. */
export function sessionCookie(id: string | undefined, isSecure: boolean): string {
  const age = id === undefined ? 0 : SESSION_MS / 1000;
  const secure = isSecure ? '; Secure' : '';
  return `${nameOf(isSecure)}=${id ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`;
}
