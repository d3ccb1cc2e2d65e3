import { expect, test } from 'vitest';
import { AgentConfigSchema } from '../../src/api/config.ts';
import { check, formatProblem } from '../../src/api/schema.ts';

const problems = (git: object) => {
  const config = { apiVersion: 'agent.nodeop.dev/v1alpha1', kind: 'AgentConfig', git };
  const result = check(AgentConfigSchema, config);
  return result.ok ? [] : result.problems.map(formatProblem);
};
const HTTPS = 'https://git.example.org/x.git';
const password = { passwordFile: '/p' };
const app = { appId: 1, installationId: 2, privateKeyFile: '/k' };

test.each<[string, object, RegExp]>([
  [
    'credentials over http',
    { url: 'http://git.example.org/x', access: password },
    /^git.access.passwordFile: .*unencrypted/,
  ],
  [
    'a push token over http',
    { url: 'http://git.example.org/x', writeAccess: { bearerTokenFile: '/t' } },
    /^git.writeAccess.bearerTokenFile: .*unencrypted/,
  ],
  [
    'a password in the URL',
    { url: 'https://me:secret@git.example.org/x' },
    /^git.url: must not hold user or password/,
  ],
  [
    'a token in the URL',
    { url: 'https://secret@git.example.org/x' },
    /^git.url: must not hold user or password/,
  ],
  [
    'a password in an ssh URL',
    { url: 'ssh://git:secret@git.example.org/x' },
    /^git.url: must not hold user or password/,
  ],
  [
    'two credentials',
    { url: HTTPS, access: { ...password, githubApp: app } },
    /^git.access.githubApp: there is passwordFile already/,
  ],
  [
    'a password for ssh',
    { url: 'git@git.example.org:x', access: password },
    /^git.access.passwordFile: is for https URLs only/,
  ],
  [
    'a key for https',
    { url: HTTPS, access: { ssh: { keyFile: '/k', knownHostsFile: '/h' } } },
    /^git.access.ssh: is for ssh URLs only/,
  ],
  [
    'a key without known hosts',
    { url: 'git@git.example.org:x', access: { ssh: { keyFile: '/k' } } },
    /^git.access.ssh.knownHostsFile: is required/,
  ],
  [
    'half a client certificate',
    { url: HTTPS, access: { clientKeyFile: '/k' } },
    /^git.access.clientCertificateFile: is required/,
  ],
  [
    'an App’s key over http',
    { url: HTTPS, access: { githubApp: { ...app, apiUrl: 'http://api.example.org' } } },
    /^git.access.githubApp.apiUrl: must be https/,
  ],
  [
    'a password in the proxy’s URL',
    { url: HTTPS, access: { proxy: { url: 'http://me:secret@proxy:3128' } } },
    /^git.access.proxy.url: must not hold/,
  ],
  [
    'results on the followed branch itself',
    { url: HTTPS, results: {} },
    /^git.results.branch: is the followed branch itself/,
  ],
  [
    'credentials of a repository of results that is the same',
    { url: HTTPS, results: { branch: 'reports', writeAccess: password } },
    /^git.results.writeAccess: needs results.url/,
  ],
  [
    'a token for results over http',
    { url: HTTPS, results: { url: 'http://git.example.org/r', access: { bearerTokenFile: '/t' } } },
    /^git.results.access.bearerTokenFile: .*unencrypted/,
  ],
  [
    'plain http',
    { url: 'http://git.example.org/x' },
    /^git.url: .*https or ssh.*git.verify.*git.insecure: true/,
  ],
  ['plain http in capitals', { url: 'HTTP://git.example.org/x' }, /^git.url: .*git.insecure/],
  ['the git protocol', { url: 'git://git.example.org/x' }, /^git.url: .*git:\/\/.*git.insecure/],
  ['a host that only looks local', { url: 'http://localhost.example.org/x' }, /^git.url: .*git.insecure/],
  [
    'plain http for the results',
    { url: HTTPS, results: { url: 'git://git.example.org/r' } },
    /^git.results.url: .*git.insecure/,
  ],
  [
    'a token as a query',
    { url: `${HTTPS}?private_token=secret` },
    /^git.url: must not go on after .*passwordFile/,
  ],
  ['a token as a fragment', { url: `${HTTPS}#secret` }, /^git.url: must not go on after/],
  ['a query of ssh', { url: 'ssh://git@git.example.org/x?token=secret' }, /^git.url: must not go on after/],
  [
    'a query of the results',
    { url: HTTPS, results: { url: `${HTTPS}?secret` } },
    /^git.results.url: must not go/,
  ],
  [
    'a user of git://',
    { url: 'git://me:secret@git.example.org/x', insecure: true },
    /^git.url: must not hold/,
  ],
  [
    'plain http by the name of its program',
    { url: 'http::http://git.example.org/x' },
    /^git.url: .*"http::"/,
  ],
  [
    'a password behind the name of a program',
    { url: 'https::https://me:secret@git.example.org/x' },
    /^git.url: must not begin with "https::"/,
  ],
  ['a command', { url: 'ext::sh -c secret', insecure: true }, /^git.url: must not begin with "ext::"/],
  [
    'a program for the results',
    { url: HTTPS, results: { url: 'HTTP::http://git.example.org/r' } },
    /^git.results.url: must not begin with/,
  ],
  [
    'a password in front of a host',
    { url: 'me:secret@git.example.org:team/x.git' },
    /^git.url: must not hold user or password/,
  ],
  [
    'a password in the URL of the results',
    { url: HTTPS, results: { url: 'https://me:secret@git.example.org/r' } },
    /^git.results.url: must not hold user or password/,
  ],
])('%s is refused', (_, git, expected) => {
  const found = problems(git);
  expect(found).toEqual([expect.stringMatching(expected)]);
  expect(found.join()).not.toContain('secret');
});

test.each<[string, object]>([
  ['a password over https', { url: HTTPS, access: password }],
  ['a password to this machine', { url: 'http://127.0.0.1:3000/x', access: password }],
  ['a user in an ssh URL', { url: 'ssh://git@git.example.org/x' }],
  [
    'ssh with a key',
    { url: 'git@git.example.org:x', access: { ssh: { keyFile: '/k', knownHostsFile: '/h' } } },
  ],
  ['http with signatures', { url: 'http://git.example.org/x', verify: { keyringFile: '/k' } }],
  ['http that is said to be insecure', { url: 'http://git.example.org/x', insecure: true }],
  ['the git protocol on this machine', { url: 'git://localhost/x' }],
  ['http on this machine', { url: 'http://[::1]:3000/x' }],
  ['a local path with odd letters', { url: '/srv/git/what?#.git' }],
  ['a local path', { url: '/srv/git/x.git' }],
  ['ssh to a path with an odd letter', { url: 'git@git.example.org:team@old/x.git' }],
  ['ssh to an address', { url: 'git@[::1]:team/x.git' }],
  ['results on another branch', { url: HTTPS, results: { branch: 'reports' } }],
  ['results in another repository', { url: HTTPS, results: { url: 'git@git.example.org:r' } }],
])('%s is accepted', (_, git) => {
  expect(problems(git)).toEqual([]);
});
