import { expect, test } from 'vitest';
import { NotifySchema } from '../../src/api/notify.ts';
import { check, formatProblem } from '../../src/api/schema.ts';

const problems = (...targets: object[]) => {
  const found = check(NotifySchema, targets);
  return found.ok ? [] : found.problems.map(formatProblem);
};

const URL = 'https://alerts.example.org/nodeops';

test('name and address are enough; all events of all runs are told then', () => {
  const found = check(NotifySchema, [{ name: 'oncall', url: URL }]);
  expect(found).toMatchObject({
    ok: true,
    value: [
      {
        events: ['started', 'firstFailure', 'waiting', 'resumed', 'ended'],
        waitingAfter: '1h',
        escape: 'none',
        only: {},
      },
    ],
  });
});

test.each<[string, object, string]>([
  ['no address', {}, '[0]: needs url, or urlFile when the address is a secret'],
  ['two addresses', { url: URL, urlFile: '/x' }, '[0].urlFile: url says it already; leave one of them out'],
  ['a name that is none', { url: URL, name: 'On Call' }, '[0].name: expected lower-case letters'],
  [
    'a placeholder nobody fills',
    { url: URL, template: { blocks: [{ text: '{titel}' }] } },
    '[0].template.blocks[0].text: has {titel}; there are {event}, {title}',
  ],
  ['an empty placeholder', { url: URL, template: ['{}'] }, '[0].template[0]: has {}; there are'],
  ['a template that is a text', { url: URL, template: '{title}' }, '[0].template: '],
  ['a wrong event', { url: URL, events: ['begun'] }, '[0].events[0]: '],
  [
    'a pattern that is none',
    { url: URL, only: { runs: ['('] } },
    '[0].only.runs[0]: not a regular expression as RE2 reads them',
  ],
  [
    'a field that is misspelt',
    { url: URL, waitAfter: '1h' },
    '[0].waitAfter: unknown field "waitAfter"; did you mean "waitingAfter"?',
  ],
  [
    'a time without a unit',
    { url: URL, waitingAfter: 30 },
    '[0].waitingAfter: expected a duration such as "30s", "5m" or "1h30m", found the number 30',
  ],
  [
    'a secret in the configuration',
    { url: 'https://hooks.slack.com/services/T0/B0/x' },
    '[0].url: an address of hooks.slack.com is a secret: put the address into a file and name that as urlFile',
  ],
  [
    'a secret of Teams',
    { url: 'https://prod-1.westeurope.logic.azure.com:443/workflows/x' },
    '[0].url: an address of prod-1.westeurope.logic.azure.com is a secret',
  ],
  [
    'a key in the query',
    { url: `${URL}?key=x` },
    '[0].url: may hold a secret after "?": put the address into a file',
  ],
  [
    'a password',
    { url: 'https://a:b@alerts.example.org/' },
    '[0].url: must hold no user or password; put the address into a file and name that as urlFile',
  ],
  [
    'headers without TLS',
    { url: 'http://alerts.example.org/', headersFile: '/x' },
    '[0].url: must be https: the headers would be readable on their way',
  ],
  ['no web address', { url: 'ftp://alerts.example.org/' }, '[0].url: expected a URL such as'],
])('%s', (_, fields, expected) => {
  const [first = ''] = problems({ name: 'oncall', ...fields });
  expect(first.slice(0, expected.length)).toBe(expected);
});

test('names are used once', () => {
  expect(problems({ name: 'a', url: URL }, { name: 'b', url: URL }, { name: 'a', url: URL })).toEqual([
    '[2].name: notify[0] has the name "a" too',
  ]);
});

test('what makes messages without bounds is refused', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)]);
  expect(problems({ name: 'a', url: URL, template: deep(30) as object })[0]).toContain(
    'lies deeper than 20 levels',
  );
  expect(problems({ name: 'a', url: URL, template: Array(200).fill('{text}') as object })).toEqual([
    '[0].template: has 200 placeholders; at most 100 are filled in',
  ]);
  expect(problems({ name: 'a', url: URL, template: ['x'.repeat(20_000)] })).toEqual([
    '[0].template: is 20004 characters as JSON; at most 16384 are sent',
  ]);
});
