import { describe, expect, test } from 'vitest';
import { accessFlaw, CheckAccessSchema } from '../../src/api/check-access.ts';
import { check, formatProblem } from '../../src/api/schema.ts';

const SHOP = 'https://shop.example.org';
const entry = (fields: object = {}) => ({
  name: 'shop',
  url: `${SHOP}/api`,
  headersFile: '/etc/shop',
  ...fields,
});

function problems(value: unknown): string[] {
  const result = check(CheckAccessSchema, value);
  return result.ok ? [] : result.problems.map(formatProblem);
}

describe('what is wrong with the configuration of checks is told at its place', () => {
  test.each([
    [{ allowedHosts: ['shop.example.org'] }, 'allowedHosts[0]: expected a URL'],
    [{ allowedHosts: ['shop.example.org:443'] }, 'allowedHosts[0]: expected a URL'],
    [{ allowedHosts: ['*'] }, 'allowedHosts[0]: expected a URL'],
    [
      { allowedHosts: [`${SHOP}/api`] },
      'allowedHosts[0]: must end after the port; a host is allowed as a whole',
    ],
    [{ allowedHosts: [`${SHOP}?x`] }, 'allowedHosts[0]: must end after the port'],
    [
      { allowedHosts: ['https://user:hunter2@shop.example.org'] },
      'allowedHosts[0]: must hold no user or password',
    ],
    [
      { allowedHosts: [SHOP], credentials: [entry({ url: 'http://shop.example.org/api' })] },
      'is not among allowedHosts',
    ],
    [
      { credentials: [entry()] },
      'credentials[0].url: https://shop.example.org:443 is not among allowedHosts',
    ],
    [
      { allowedHosts: [SHOP], credentials: [entry(), entry()] },
      'credentials[1].name: credentials[0] has the name "shop" too',
    ],
    [
      { allowedHosts: [SHOP], credentials: [entry({ url: `${SHOP}/api?a=b` })] },
      'credentials[0].url: must not have a query',
    ],
    [
      { allowedHosts: [SHOP], credentials: [{ name: 'shop', url: SHOP }] },
      'credentials[0].headersFile: is required',
    ],
    [{ hosts: [] }, 'hosts: unknown field "hosts"'],
  ])('%j', (value, expected) => {
    const found = problems(value).join('\n');
    expect(found).toContain(expected);
    expect(found).not.toContain('hunter2');
  });
});

describe('a host is compared as a client reads it', () => {
  const access = CheckAccessSchema.parse({
    allowedHosts: ['HTTPS://Shop.Example.org/', 'http://[::1]:9090'],
  });

  test.each(['https://shop.example.org/x', 'https://SHOP.example.ORG:443', 'http://[0::1]:9090/'])(
    '%s',
    (url) => {
      expect(accessFlaw({ url }, access)).toBeUndefined();
    },
  );

  test.each([
    'https://shop.example.org.',
    'https://shop.example.org:8443',
    'http://shop.example.org',
    'https://shop.example.org.evil.example',
    'https://evil.example/shop.example.org',
    'https://shop.example.org@evil.example',
    'https://xn--shp-1la.example.org',
    'https://sub.shop.example.org',
    'http://127.0.0.1:9090',
  ])('not %s', (url) => {
    expect(accessFlaw({ url }, access)?.field).toBe('url');
  });
});
