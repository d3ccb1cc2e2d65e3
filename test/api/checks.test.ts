import { describe, expect, test } from 'vitest';
import { ChecksSchema } from '../../src/api/checks.ts';
import { check, formatProblem } from '../../src/api/schema.ts';
import { addressFlaw, originOf } from '../../src/api/web-address.ts';

function problems(...checks: unknown[]): string[] {
  const result = check(ChecksSchema, checks);
  return result.ok ? [] : result.problems.map(formatProblem);
}

const http = { url: 'https://shop.example.org/healthz' };
const prometheus = { url: 'http://prometheus:9090', query: 'up' };

test('what is left out has the defaults that the reference names', () => {
  const result = check(ChecksSchema, [{ http }, { prometheus }, { command: { command: ['true'] } }]);
  const common = { attempts: 3, timeoutSeconds: 30 };
  expect(result).toEqual({
    ok: true,
    value: [
      { ...common, http: { ...http, method: 'GET', expect: { status: 200 } } },
      { ...common, prometheus: { ...prometheus, expression: 'size(result) > 0' } },
      { ...common, command: { command: ['true'] } },
    ],
  });
});

describe('what is wrong with a check is told where it stands', () => {
  test.each([
    [{}, '[0]: needs one of http, prometheus, command'],
    [{ http, prometheus }, '[0].prometheus: must have one kind, has http already'],
    [
      { http: { ...http, method: 'POST' } },
      '[0].http.method: expected one of "GET", "HEAD", found the text "POST"',
    ],
    [
      { http: { ...http, credentials: 'shop' } },
      '[0].http.credentials: unknown field "credentials"; it stands beside',
    ],
    [{ http: { ...http, status: 204 } }, '[0].http.status: unknown field "status"; write it under expect'],
    [{ http: { ...http, expect: { status: 99 } } }, '[0].http.expect.status: must be at least 100, found 99'],
    [
      { http: { ...http, expect: { expression: 'result > 0' } } },
      '[0].http.expect.expression: not a CEL expression that can be used here: line 1, column 1: result is not known; there is status, body',
    ],
    [
      { prometheus: { ...prometheus, expression: 'result[0] <' } },
      '[0].prometheus.expression: not a CEL expression: line 1, column 11: < is not expected there',
    ],
    [
      { prometheus: { ...prometheus, expression: 'string(result[0]).matches("a" + "b")' } },
      '[0].prometheus.expression: not a CEL expression that can be used here: line 1, column 18: matches takes its pattern as a literal text only',
    ],
    [
      { prometheus: { ...prometheus, url: 'http://p:9090/?x=1' } },
      '[0].prometheus.url: must not have a query',
    ],
    [{ prometheus: { url: 'http://p' } }, '[0].prometheus.query: is required'],
    [{ command: { command: [] } }, '[0].command.command: needs at least one word'],
    [{ command: { command: ['a'], image: 'A B' } }, '[0].command.image: '],
    [{ http, attempts: 0 }, '[0].attempts: must be at least 1, found 0'],
    [
      { http, timeoutSeconds: '30s' },
      '[0].timeoutSeconds: expected a whole number, found the text "30s"; write 30',
    ],
    [{ http, intervalSeconds: 0 }, '[0].intervalSeconds: must be at least 1, found 0'],
    [
      { command: { command: ['a'] }, credentials: 'shop' },
      '[0].credentials: is for http and prometheus only, found "shop"',
    ],
    [{ url: 'http://a' }, '[0].url: unknown field "url"; write it under http or prometheus'],
  ])('%o', (it, expected) => {
    expect(problems(it).join('\n')).toContain(expected);
  });

  test('more than ten', () => {
    expect(problems(...Array.from({ length: 11 }, () => ({ http })))).toEqual([
      'must have at most 10 entries, has 11',
    ]);
  });
});

describe('an address is a URL that is read in one way only', () => {
  test.each([
    ['ftp://a.example', 'expected a URL'],
    ['a.example/healthz', 'expected a URL'],
    ['http:/a.example', 'expected a URL'],
    ['http:a.example', 'expected a URL'],
    ['http:///a.example', 'expected a URL'],
    ['http://', 'expected a URL'],
    ['http://a.example:99999/', 'expected a URL'],
    ['http://a.example:0/', 'port 0'],
    ['http://user:secret@a.example/', 'no user or password'],
    ['http://@a.example/', 'no user or password'],
    ['http://allowed.example@evil.example/', 'no user or password'],
    ['http://a.example/\\@evil.example', 'without spaces, backslashes'],
    ['http://a.example\\@evil.example/', 'without spaces, backslashes'],
    ['http://a.exam\tple/', 'without spaces, backslashes'],
    ['http://a.exam\nple/', 'without spaces, backslashes'],
    [' http://a.example/', 'without spaces, backslashes'],
    ['http://ａ.example/', 'beyond ASCII'],
    ['http://a.example./', 'must not end with a dot'],
    ['http://a.example/#x', 'after "#"'],
    [`http://a.example/${'x'.repeat(2048)}`, 'longer than 2048'],
  ])('%s is refused', (text, expected) => {
    expect(addressFlaw(text)).toContain(expected);
  });

  test.each([
    ['http://A.Example/x', 'http://a.example:80'],
    ['https://a.example', 'https://a.example:443'],
    ['HTTPS://a.example:443/', 'https://a.example:443'],
    ['http://a.example:080/', 'http://a.example:80'],
    ['http://0x7f.1/', 'http://127.0.0.1:80'],
    ['http://2130706433/', 'http://127.0.0.1:80'],
    ['http://[::1]:9090/', 'http://[::1]:9090'],
    ['http://[0:0:0:0:0:0:0:1]:9090/', 'http://[::1]:9090'],
    ['http://%61.example/', 'http://a.example:80'],
    ['http://a.example/@b?c=d@e', 'http://a.example:80'],
  ])('%s goes to %s', (text, origin) => {
    expect(addressFlaw(text)).toBeUndefined();
    expect(originOf(text)).toBe(origin);
  });

  test('a password in an address that is refused is not shown', () => {
    expect(problems({ http: { url: 'http://user:hunter2@a.example/' } }).join()).not.toContain('hunter2');
  });
});
