import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { describe, expect, onTestFinished, test } from 'vitest';
import bundling from '../../rolldown.config.ts';
import { evaluate } from '../../src/cel/evaluate.ts';
import { prepare } from '../../src/cel/run.ts';
import { systemClock } from '../../src/time/clock.ts';

const TEN = '[0,1,2,3,4,5,6,7,8,9]';
const RUNAWAY = 'abcdefgh'.split('').reduce((inner, name) => `${TEN}.all(${name}, ${inner})`, 'true');

describe('in a thread of its own', () => {
  test('it gives true or false', async () => {
    const variables = { status: { json: '200' }, body: { json: '{"nodes": 3}' } };
    expect(await evaluate('status == 200 && body.nodes == 3', variables, systemClock)).toEqual({
      value: true,
    });
  });

  test('one that runs away is ended, and says so', async () => {
    expect(await evaluate(RUNAWAY, {}, systemClock)).toEqual({ problem: 'takes longer than 100 ms' });
  });

  test('to read what it is about does not count', async () => {
    const body = { json: JSON.stringify(Array.from({ length: 150_000 }, (_, i) => i)) };
    expect(await evaluate('size(body) == 150000', { body }, systemClock)).toEqual({ value: true });
  });

  test('what is too deep to be read is a problem of the expression, not of the program', async () => {
    const body = { json: '['.repeat(400_000) + ']'.repeat(400_000) };
    expect(await evaluate('size(body) == 1', { body }, systemClock)).toEqual({
      problem: 'cannot be evaluated: Maximum call stack size exceeded',
    });
  });

  test('it works out of the one file of the bundle', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cel-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const entry = join(import.meta.dirname, 'bundled.ts');
    const bundle = await rolldown({ ...bundling, input: entry, treeshake: true });
    await bundle.write({ file: join(folder, 'agent.mjs'), format: 'esm', codeSplitting: false });
    await bundle.close();
    const { stdout } = await promisify(execFile)(process.execPath, ['agent.mjs'], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual([{ value: true }, { problem: 'gives an int, not true or false' }]);
  });
});

/** What rules may use, as docs/checks.md has it: each row of its table is evaluated. */
describe('the language', () => {
  const body = {
    json: '{"n": 3, "big": 9007199254740993, "huge": 18446744073709551616, "rate": 0.5, "one": 1.0, "text": "v1.2", "list": [1, 2], "none": null, "constructor": {"a": 1}, "at": "2030-01-01T00:00:00Z", "toString": 1}',
  };
  const run = (expression: string) =>
    prepare(expression, { body, result: { value: [0.25, Number.NaN] }, status: { json: '200' } })();

  test.each([
    ['whole numbers of JSON are int', 'type(body.n) == int && body.n + 1 == 4'],
    ['with all their digits', 'body.big == 9007199254740993 && body.big != 9007199254740992'],
    ['those that are too large are double', 'type(body.huge) == double'],
    [
      'so are those with a fraction',
      'type(body.one) == double && type(body.rate) == double && body.one == 1',
    ],
    ['values of Prometheus are double', 'type(result[0]) == double && result[0] < 1'],
    ['not a number is neither less nor more', '!(result[1] < 1.0) && !(result[1] >= 1.0)'],
    [
      'names of JavaScript mean nothing',
      'body.constructor.a == 1 && body.toString == 1 && !has(body.valueOf)',
    ],
    ['null', 'body.none == null && type(body.none) == null_type'],
  ])('%s: %s', (_, expression) => {
    expect(run(expression)).toEqual({ value: true });
  });

  test.each([
    ['body.missing == 1', 'field not found'],
    ['body.n + 1.5 == 4.5', 'no matching overload'],
    ['int("") == 0', 'not a whole number'],
    ['int("0x10") == 16', 'not a whole number'],
    ['int("99999999999999999999") > 0', 'out of range'],
    ['double("") < 1.0', 'not a number'],
    ['double("abc") < 1.0', 'not a number'],
    ['9223372036854775807 + body.n > 0', 'overflow'],
    ['body.n / 0 == 1', 'divide by zero'],
    ['body.list[7] == 1', 'index 7 out of bounds'],
  ])('%s cannot be evaluated', (expression, why) => {
    const result = run(expression);
    expect('problem' in result && result.problem).toMatch(/^cannot be evaluated: /);
    expect(result).toMatchObject({ problem: expect.stringContaining(why) as string });
  });

  test.each([
    ['body.n', 'gives an int, not true or false'],
    ['result[0]', 'gives a double, not true or false'],
    ['body.text', 'gives a text, not true or false'],
    ['body.list', 'gives a list, not true or false'],
    ['body', 'gives a map, not true or false'],
    ['body.none', 'gives null, not true or false'],
  ])('%s %s', (expression, problem) => {
    expect(run(expression)).toEqual({ problem });
  });

  test('patterns take linear time', () => {
    const text = { value: `${'a'.repeat(50_000)}!` };
    expect(prepare('text.matches("^(a+)+$")', { text })()).toEqual({ value: false });
  });
});
