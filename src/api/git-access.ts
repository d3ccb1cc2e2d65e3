import { z } from 'zod';
import { file, object } from './schema.ts';

/** GitHub takes an App's id as well as its client id. */
const appId = () => z.union([z.int().positive(), z.string().regex(/^[\w.]+$/, 'not an id')]);

/** How to get into a repository. Every secret is named by its file, so that none stands in the configuration. */
export const GitAccess = object({
  username: z
    .string()
    .regex(/^[^:\p{C}]+$/u, 'must not hold ":" or control characters')
    .default('git')
    .describe('User name that goes with passwordFile. Hosts ignore it when the password is a token.'),
  passwordFile: file('https: file with the password or access token.').optional(),
  bearerTokenFile: file('https: file with a token sent as "Authorization: Bearer".').optional(),
  githubApp: object({
    appId: appId().describe("The App's id or client id."),
    installationId: z
      .int()
      .positive()
      .describe('Where the App is installed: the number in its settings URL.'),
    privateKeyFile: file("The App's private key, PEM."),
    apiUrl: z
      .url({ protocol: /^https?$/, error: 'expected a URL such as "https://github.example.org/api/v3"' })
      .optional()
      .describe("REST API; follows from the repository's host when absent."),
  })
    .optional()
    .describe('https: a GitHub App; its tokens last an hour and are renewed in time.'),
  caFile: file("https: certificates, PEM, trusted instead of the system's.").optional(),
  clientCertificateFile: file('https: client certificate, PEM.').optional(),
  clientKeyFile: file('https: private key of the client certificate, PEM.').optional(),
  proxy: object({
    url: z
      .url({ protocol: /^https?$/, error: 'expected a URL such as "http://proxy.example.org:3128"' })
      .describe('Proxy for https, instead of the one in the environment (HTTPS_PROXY).'),
    username: z.string().min(1, 'must not be empty').optional().describe('User name for the proxy.'),
    passwordFile: file('Password for the proxy.').optional(),
  })
    .optional()
    .describe('https: a proxy on the way to the host.'),
  ssh: object({
    keyFile: file('Private key.'),
    passphraseFile: file('Passphrase of the key.').optional(),
    knownHostsFile: file("The host's public keys, as in ~/.ssh/known_hosts. No other host is talked to."),
  })
    .optional()
    .describe("ssh: key and known hosts. Without it, those in the home folder of the agent's user."),
});
export type GitAccess = z.infer<typeof GitAccess>;

export type Transport = 'http' | 'ssh' | 'local';

/** How git reaches a URL. `host:path` is ssh, as git has it; anything else without a scheme is a path. */
export function transportOf(url: string): Transport {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') return 'http';
  if (scheme !== undefined) return scheme.includes('ssh') ? 'ssh' : 'local';
  return /^[^/]+:/.test(url) ? 'ssh' : 'local';
}

/** What is wrong with a part of the configuration, and where in it. */
export interface Flaw {
  path: string[];
  message: string;
}

const TO_FILES =
  'must not hold user or password; put them into access.username and a file for access.passwordFile';

/** `http::http://…` names the program that git talks by, and the address comes after. */
const HELPER = /^([a-z0-9+.-]+)::/i;
/** `host:path` with a password in front of the host. */
const SCP_PASSWORD = /^[^/:@]+:[^/@]+@[^/:@]+:/;

/** What is wrong with a repository's URL by itself. */
export function urlFlaws(url: string): Flaw[] {
  const [, helper] = HELPER.exec(url) ?? [];
  if (helper !== undefined) {
    const message = `must not begin with "${helper}::", which names a program to talk by; write the URL alone, such as https://git.example.org/platform/runs.git`;
    return [{ path: [], message }];
  }
  const transport = transportOf(url);
  if (SCP_PASSWORD.test(url)) return [{ path: [], message: TO_FILES }];
  if (transport === 'http' && !URL.canParse(url)) return [{ path: [], message: 'not a URL' }];
  const [, authority = ''] = /^[a-z0-9+.-]+:\/\/([^/?#]*)/i.exec(url) ?? [];
  const user = authority.slice(0, Math.max(0, authority.lastIndexOf('@')));
  if (transport === 'http' ? authority.includes('@') : user.includes(':'))
    return [{ path: [], message: TO_FILES }];
  const query = /^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url.search(/[?#]/) : -1;
  if (query < 0) return [];
  // It would show in every log and error, and such parts are where tokens are put.
  const message = `must not go on after "${url.slice(0, query)}": no host needs a query, and a token in it would show in logs; name a file with it in access.passwordFile or access.bearerTokenFile`;
  return [{ path: [], message }];
}

/** Why whoever is on the way could put other commits in place of the repository's; undefined when nobody can. */
export function openFlaw(url: string): Flaw | undefined {
  const scheme = /^(http|git|ftp):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || !isOpen(url, scheme)) return undefined;
  const danger = `nobody checks whom ${scheme}:// talks to, and whoever is on the way could run anything on every node`;
  const way =
    'use an https or ssh URL, have signatures asked for by git.verify, or accept it by git.insecure: true';
  return { path: [], message: `${danger}; ${way}` };
}

const SECRETS = ['passwordFile', 'bearerTokenFile', 'githubApp'] as const;
const HTTP_ONLY = [...SECRETS, 'caFile', 'clientCertificateFile', 'clientKeyFile', 'proxy'] as const;

/** What is wrong with an access by itself and for the URL it is used with; paths begin in the access. */
export function accessFlaws(access: GitAccess, url: string): Flaw[] {
  const flaws: Flaw[] = [];
  const transport = transportOf(url);
  const given = SECRETS.filter((it) => access[it] !== undefined);
  for (const name of given.slice(1)) flaws.push({ path: [name], message: `there is ${given[0]} already` });
  if (transport !== 'http') {
    for (const name of HTTP_ONLY) {
      if (access[name] !== undefined) flaws.push({ path: [name], message: 'is for https URLs only' });
    }
  } else if (given[0] !== undefined && isOpen(url)) {
    flaws.push({ path: [given[0]], message: 'would cross the network unencrypted; use an https URL' });
  }
  if (access.ssh && transport !== 'ssh') flaws.push({ path: ['ssh'], message: 'is for ssh URLs only' });
  const { clientCertificateFile: certificate, clientKeyFile: key, githubApp, proxy } = access;
  if (certificate !== undefined && key === undefined) {
    flaws.push({ path: ['clientKeyFile'], message: 'is required with clientCertificateFile' });
  }
  if (key !== undefined && certificate === undefined) {
    flaws.push({ path: ['clientCertificateFile'], message: 'is required with clientKeyFile' });
  }
  if (githubApp?.apiUrl !== undefined && isOpen(githubApp.apiUrl)) {
    flaws.push({ path: ['githubApp', 'apiUrl'], message: 'must be https' });
  }
  if (proxy && /^https?:\/\/[^/]*@/i.test(proxy.url)) {
    flaws.push({
      path: ['proxy', 'url'],
      message: 'must not hold user or password; use username and passwordFile',
    });
  }
  if (proxy?.passwordFile !== undefined && proxy.username === undefined) {
    flaws.push({ path: ['proxy', 'username'], message: 'is required with passwordFile' });
  }
  return flaws;
}

/** Without encryption to another machine: of what never leaves this one nobody is on the way. */
function isOpen(url: string, scheme = 'http'): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === `${scheme}:` && !/^(localhost|127(\.\d+){3}|\[::1\])$/i.test(hostname);
}
