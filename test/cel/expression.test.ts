import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expressionProblem } from '../../src/cel/expression.ts';

const problem = (text: string) => expressionProblem(text, ['status', 'body']);

describe('an expression that can never be evaluated is told when it is read', () => {
  test.each([
    ['status == == 200', /line 1, column 8: = is not expected there/],
    ['status == 200 &&\n  body.x ==', /line 2, column 10: = is not expected there/],
    ['(status == 200', /line 1, column 15: end of input is not expected there/],
    ['', /end of input is not expected there/],
    ['statuss == 200', /line 1, column 1: statuss is not known; there is status, body/],
    ['status == 200 &&\n body.ok == yes', /line 2, column 13: yes is not known/],
    ['[1].all(x, x > 0) && x > 0', /line 1, column 22: x is not known/],
    ['body.substring(1) == "a"', /there is no function substring/],
    ['body.all(a, b, a > b)', /there is no function all with these arguments/],
    ['now() > status', /there is no function now/],
    ['google.protobuf.Int32Value{value: 1} == 1', /google\.protobuf\.Int32Value is not known/],
    ['body.matches(body.pattern)', /matches takes its pattern as a literal text only/],
    ['body.matches("a" + "b")', /matches takes its pattern as a literal text only/],
    ['matches(body, "a")', /matches is written as text\.matches\(pattern\)/],
    ['body.matches("(?=a)b")', /patterns as RE2 reads them: invalid or unsupported Perl syntax: `\(\?=`/],
    ['body.matches("(a)\\\\1")', /patterns as RE2 reads them/],
    ['body.matches("a{2000}")', /patterns as RE2 reads them/],
    ['body.x.all(it, it.matches("("))', /patterns as RE2 reads them: missing closing \)/],
    ['body.matches("a{150}") || body.matches("b{0,60}")', /repeat more than 200 times in all/],
    [`${'('.repeat(51)}1${')'.repeat(51)} == 1`, /has more than 50 brackets inside each other/],
    [`status == ${'1'.repeat(1024)}`, /is longer than 1024 characters/],
    ['status == 99999999999999999999', /99999999999999999999 is out of range/],
  ])('%s', (text, expected) => {
    expect(problem(text)).toMatch(expected);
  });
});

test.each([
  'status == 200',
  'status >= 200 && status < 300  // as a whole\n',
  'has(body.errors) && size(body.errors) == 0',
  'body.nodes.all(n, n.ready) && body.nodes.exists(x, body.nodes.exists_one(y, x == y))',
  'body.map(x, x.size()).filter(x, x > 1u) == [2u]',
  '{"a": body.a}["a"] == 1 ? true : false',
  'body.matches("^v[0-9]{1,3}$") && body.matches(r"\\d")',
  'type(body) == string && body.startsWith("ok")',
  'double(body.rate) * 100.0 < 5.0',
  'timestamp(body.at) > timestamp("2030-01-01T00:00:00Z") - duration("1h")',
  `${'('.repeat(50)}1${')'.repeat(50)} == 1`,
])('%s is an expression', (text) => {
  expect(problem(text)).toBeUndefined();
});

test('whatever the text is, it is read without an exception', () => {
  const piece = fc.constantFrom(
    ...'( ) [ ] { } " . , : ? - ! 1 0x 1u 1e9 a body status && || == // null'.split(' '),
    '.all(x, ',
    '.matches("',
    '\\',
    ' in ',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 60, size: 'max' }), (pieces) => {
      expect(() => problem(pieces.join(''))).not.toThrow();
    }),
    { numRuns: 300 },
  );
});
