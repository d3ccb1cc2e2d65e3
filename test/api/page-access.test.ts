import { expect, test } from 'vitest';
import { AgentConfigSchema } from '../../src/api/config.ts';
import { check, formatProblem } from '../../src/api/schema.ts';

function problemsOf(http: object): string[] {
  const config = {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'AgentConfig',
    git: { url: '/srv/ops.git' },
    http,
  };
  const read = check(AgentConfigSchema, config);
  return read.ok ? [] : read.problems.map(formatProblem);
}

const TOKEN = { auth: { tokenFile: '/etc/token' } };

test.each([
  ['on this machine alone everybody may look', { host: '127.0.0.1', page: {} }],
  ['also by its other names', { host: '::1', page: {} }],
  ['a port of its own is for this machine alone', { page: { port: 8081 } }],
  ['elsewhere with a token', { page: TOKEN }],
  ['elsewhere with the cluster’s tokens', { host: '0.0.0.0', page: { auth: { kubernetes: {} } } }],
  ['a proxy that is named', { trustedProxies: ['10.0.0.1'], page: { auth: { proxy: {} } } }],
])('%s', (_, http) => {
  expect(problemsOf(http)).toEqual([]);
});

test.each([
  [
    'all addresses',
    { page: {} },
    /^http\.page\.auth: is required: the page is served at all addresses.*tokenFile, kubernetes, proxy.*page\.port/,
  ],
  [
    'another address',
    { host: '10.0.0.1', page: {} },
    /^http\.page\.auth: is required: the page is served at 10\.0\.0\.1/,
  ],
  [
    'a port of its own elsewhere',
    { host: '127.0.0.1', page: { port: 8081, host: '0.0.0.0' } },
    /^http\.page\.auth: is required: the page is served at 0\.0\.0\.0/,
  ],
  [
    'a name that looks like this machine',
    { host: '127.0.0.1.example.org', page: {} },
    /^http\.page\.auth: is required/,
  ],
  [
    'names that others reach it by',
    { host: '127.0.0.1', page: { hosts: ['ops.example.org'] } },
    /^http\.page\.auth: is required: with hosts \(ops\.example\.org\)/,
  ],
  [
    'nobody who could say who is there',
    { page: { auth: { proxy: {} } } },
    /^http\.trustedProxies: must name the proxy/,
  ],
  [
    'no kind',
    { page: { auth: {} } },
    /^http\.page\.auth: needs one of tokenFile, kubernetes, proxy, found none/,
  ],
  [
    'two kinds',
    { page: { auth: { tokenFile: '/t', kubernetes: {} } } },
    /^http\.page\.auth: needs one of .*, found tokenFile and kubernetes/,
  ],
  [
    'an address without its port',
    { host: '127.0.0.1', page: { host: '0.0.0.0' } },
    /^http\.page\.host: needs page\.port/,
  ],
  ['a host with a port', { page: { hosts: ['a:80'], ...TOKEN } }, /^http\.page\.hosts\[0\]: expected a name/],
])('refused: %s', (_, http, problem) => {
  expect(problemsOf(http)[0]).toMatch(problem);
});
