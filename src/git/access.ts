import { transportOf, type GitAccess } from '../api/git-access.ts';
import { readNamed, readSecret } from './credentials.ts';
import { GitHubApp } from './github-app.ts';
import { proxyUrl } from './proxy.ts';
import { asEnvironment, type Session } from './session.ts';
import { sshEnvironment } from './ssh.ts';

/**
 * The way into one repository. Every file is read at each use, so that a rotated Secret counts at once.
 */
export class Access {
  readonly #config: GitAccess;
  readonly #url: string;
  readonly #field: string;
  readonly #app: GitHubApp | undefined;

  /** `field`: where `config` stands in the configuration, for messages. */
  constructor(config: GitAccess, url: string, field = 'git.access') {
    this.#config = config;
    this.#url = url;
    this.#field = field;
    this.#app = config.githubApp && new GitHubApp(config, url, field);
  }

  /** Throws InvalidError when a file cannot be used, TransientError when a token cannot be had. */
  async use<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const transport = transportOf(this.#url);
    if (transport === 'local') return action({ env: {}, secrets: [] });
    if (transport === 'http') {
      const session = await this.#http();
      try {
        return await action(session);
      } catch (error) {
        // The host may have withdrawn it before its time.
        this.#app?.forget();
        throw error;
      }
    }
    const { env, dispose } = await sshEnvironment(this.#config.ssh, `${this.#field}.ssh`);
    try {
      return await action({ env, secrets: [] });
    } finally {
      await dispose();
    }
  }

  async #http(): Promise<Session> {
    const { caFile, clientCertificateFile, clientKeyFile } = this.#config;
    const settings: [string, string][] = [];
    const files = { caFile, clientCertificateFile, clientKeyFile };
    for (const [name, file] of Object.entries(files)) {
      if (file === undefined) continue;
      await readNamed(`${this.#field}.${name}`, file);
      settings.push([GIT_SETTINGS[name as keyof typeof files], file]);
    }
    const proxy = await proxyUrl(this.#config, this.#field);
    if (proxy) settings.push(['http.proxy', proxy.href]);
    const header = await this.#authorization();
    if (header) {
      settings.push(
        ['http.extraHeader', `Authorization: ${header.value}`],
        // A header goes wherever the remote points; credentials are for the configured host alone.
        ['http.followRedirects', 'false'],
        ['credential.helper', ''],
      );
    }
    // With nobody to ask, git says "authentication failed" rather than that it has no terminal.
    const env = header ? { ...asEnvironment(settings), GIT_ASKPASS: 'true' } : asEnvironment(settings);
    return { env, secrets: [...(header?.secrets ?? []), ...(proxy?.secrets ?? [])] };
  }

  async #authorization(): Promise<{ value: string; secrets: string[] } | undefined> {
    const { passwordFile, bearerTokenFile, username } = this.#config;
    if (bearerTokenFile !== undefined) {
      const token = await readSecret(`${this.#field}.bearerTokenFile`, bearerTokenFile);
      return { value: `Bearer ${token}`, secrets: [token] };
    }
    const app = await this.#app?.token();
    if (app !== undefined) return basic('x-access-token', app);
    if (passwordFile === undefined) return undefined;
    return basic(username, await readSecret(`${this.#field}.passwordFile`, passwordFile));
  }
}

const GIT_SETTINGS = {
  caFile: 'http.sslCAInfo',
  clientCertificateFile: 'http.sslCert',
  clientKeyFile: 'http.sslKey',
} as const;

function basic(username: string, password: string) {
  const pair = Buffer.from(`${username}:${password}`).toString('base64');
  return { value: `Basic ${pair}`, secrets: [password, pair] };
}
