import { expect, test } from 'vitest';
import { tryOut } from './batch.ts';
import { KINDS } from './kinds.ts';
import { changed, edited } from './generators.ts';
import { noCommands, onTerminal, prototypesUntouched, readable, structure } from './oracles.ts';
import { inTime, worked } from './work.ts';

/** Some of each kind; `npm run test:fuzz` tries as many as time allows. */
test.each(KINDS)('$name', async (kind) => {
  const { inputs, failure } = await tryOut(kind, { seed: 5, runs: 30, ms: 60_000 });
  expect(failure).toBeUndefined();
  expect(inputs).toBe(30);
});

test('names are of one kind each, so that a command repeats what it says', () => {
  expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
  expect(KINDS.length).toBeGreaterThan(20);
});

test('what does not hold is found, made small, and printed with the command that repeats it', async () => {
  const [kind] = KINDS.filter(({ name }) => name === 'hold.yaml');
  if (!kind) throw new Error('there is no such kind');
  const broken = {
    ...kind,
    hold: (input: unknown) =>
      String(input).length > 3 ? Promise.reject(new Error('no')) : Promise.resolve(0),
  };
  const { failure = '' } = await tryOut(broken, { seed: 7, runs: 100, ms: 60_000 });
  const [, path = ''] = /--kind 'hold\.yaml' --seed 7 --path ([\d:]+)$/.exec(failure) ?? [];
  const again = await tryOut(broken, { seed: 7, runs: 100, ms: 60_000, path });
  expect(again.failure).toContain('Error: no');
  expect(again.inputs).toBeLessThan(5);
});

test('what keeps others from their turn is told, and what does so once is not', async () => {
  // By work and not by time, which others take part of.
  const busy = (ms: number) => {
    for (const end = worked() + ms; worked() < end;);
  };
  await expect(inTime((work) => work.turn('slow', () => busy(60)), 1)).rejects.toThrow(/slow: \d+ ms/);
  let times = 0;
  await inTime((work) => work.turn('slow once', () => busy(times++ === 0 ? 60 : 0)), 1);
  expect(times).toBe(2);
});

test.each<[string, () => void]>([
  ['an escape in a text', () => readable('a\u001b[2Jb')],
  ['text that is turned around', () => readable('a\u202eb')],
  ['a cursor that moves', () => onTerminal('\u001b[32mok\u001b[39m\u001b[2J')],
  ['a command of a workflow', () => noCommands('x\n  ::error::a')],
  ['a command of Azure', () => noCommands('##vso[task.complete]')],
])('is noticed: %s', (_, act) => {
  expect(act).toThrow(/^(?:acts, or is not seen|is a command of a workflow): /);
});

test('a touched prototype is noticed', () => {
  Object.assign(Object.prototype, { polluted: true });
  try {
    expect(prototypesUntouched).toThrow('a prototype was touched');
  } finally {
    Reflect.deleteProperty(Object.prototype, 'polluted');
  }
  expect(prototypesUntouched).not.toThrow();
});

test('the structure of Markdown is what is neither escaped nor code', () => {
  expect(structure('\\<b\\> `<i>` ``a`b`` x')).toBe('··');
  expect(structure('| <b> | [x](http://y) | @team | `open')).toBe('|<>|[]U|@|`');
});

test('a change reaches every place, and keys are own keys', () => {
  const document = { a: [1, { b: 2 }] };
  const at = (place: number, key = '__proto__') =>
    JSON.stringify(changed(document, { at: place, how: 'rename', key, value: 0 }));
  expect(at(0)).toBe('{"__proto__":[1,{"b":2}]}');
  expect(at(3, 'c')).toBe('{"a":[1,{"c":2}]}');
  expect(edited('abc', [{ at: 0.5, cut: 1, insert: 'x', times: 2 }])).toBe('axxc');
});
