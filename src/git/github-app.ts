import { createPrivateKey, sign } from 'node:crypto';
import { EnvHttpProxyAgent, ProxyAgent, request } from 'undici';
import { InvalidError, TransientError } from '../api/errors.ts';
import type { GitAccess } from '../api/git-access.ts';
import { systemClock } from '../time/clock.ts';
import { readNamed, redact } from './credentials.ts';
import { proxyUrl } from './proxy.ts';

/** A token is renewed when it has less than this left, longer than any git command should take. */
const MARGIN_MS = 5 * 60_000;
const TIMEOUT_MS = 30_000;

/**
 * Installation tokens of a GitHub App, as its documentation has them: a JWT signed with the App's key is
 * exchanged for a token that lasts an hour. https://docs.github.com/apps (authenticating as an installation)
 */
export class GitHubApp {
  readonly #access: GitAccess;
  readonly #url: string;
  readonly #field: string;
  readonly #now: () => number;
  #known: { token: string; expiresAt: number; key: string } | undefined;

  constructor(access: GitAccess, url: string, field: string, now = systemClock.wall) {
    this.#access = access;
    this.#url = url;
    this.#field = field;
    this.#now = now;
  }

  /** A token with some minutes left. A new private key counts at once. */
  async token(): Promise<string> {
    const { githubApp: app } = this.#access;
    if (!app) throw new InvalidError(`${this.#field}.githubApp is required`);
    const key = await readNamed(`${this.#field}.githubApp.privateKeyFile`, app.privateKeyFile);
    if (this.#known?.key !== key || this.#known.expiresAt - MARGIN_MS < this.#now()) {
      const url = `${app.apiUrl ?? apiOf(this.#url)}/app/installations/${app.installationId}/access_tokens`;
      this.#known = { ...(await this.#request(url, this.#jwt(app.appId, key))), key };
    }
    return this.#known.token;
  }

  /** The next call asks for a new token. */
  forget(): void {
    this.#known = undefined;
  }

  /** Valid from a minute ago, for clocks that disagree, and for less than the ten minutes allowed. */
  #jwt(issuer: number | string, pem: string): string {
    const now = Math.floor(this.#now() / 1000);
    const body = [
      { alg: 'RS256', typ: 'JWT' },
      { iat: now - 60, exp: now + 540, iss: String(issuer) },
    ];
    const text = body.map((it) => Buffer.from(JSON.stringify(it)).toString('base64url')).join('.');
    try {
      return `${text}.${sign('RSA-SHA256', Buffer.from(text), createPrivateKey(pem)).toString('base64url')}`;
    } catch {
      throw new InvalidError(`${this.#field}.githubApp.privateKeyFile: not an RSA private key in PEM`);
    }
  }

  async #request(url: string, jwt: string): Promise<{ token: string; expiresAt: number }> {
    const dispatcher = await this.#dispatcher();
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        headers: {
          authorization: `Bearer ${jwt}`,
          accept: 'application/vnd.github+json',
          'user-agent': 'nodeop-agent',
        },
      });
      return tokenIn(answer.statusCode, await answer.body.text(), this.#field);
    } catch (error) {
      if (error instanceof InvalidError || error instanceof TransientError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new TransientError(redact(`GitHub gives no token: ${reason}`, [jwt]));
    } finally {
      await dispatcher.close();
    }
  }

  async #dispatcher() {
    const { caFile } = this.#access;
    const ca = caFile === undefined ? undefined : await readNamed(`${this.#field}.caFile`, caFile);
    const proxy = await proxyUrl(this.#access, this.#field);
    const tls = { timeout: TIMEOUT_MS, ...(ca !== undefined && { ca }) };
    if (!proxy) return new EnvHttpProxyAgent({ connect: tls, requestTls: tls });
    return new ProxyAgent({ uri: proxy.href, requestTls: tls, proxyTunnel: true });
  }
}

/** github.com has its API on a host of its own, GitHub Enterprise Server below the repository's. */
function apiOf(url: string): string {
  const { origin, hostname } = new URL(url);
  return hostname === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
}

function tokenIn(status: number, body: string, field: string): { token: string; expiresAt: number } {
  const answer = parse(body);
  const { token, expires_at: expires, message } = answer;
  const expiresAt = Date.parse(String(expires));
  if (status === 201 && typeof token === 'string' && !Number.isNaN(expiresAt)) return { token, expiresAt };
  const said = `GitHub answered ${status}${typeof message === 'string' ? `: ${message}` : ''}`;
  if (status === 401 || status === 404 || status === 422) {
    throw new InvalidError(`${field}.githubApp: no token with this appId, installationId and key; ${said}`);
  }
  throw new TransientError(`GitHub gives no token: ${said}`);
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
