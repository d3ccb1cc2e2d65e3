import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { expect, test } from 'vitest';
import { mutantsOf } from './mutants.ts';
import { marked, type Place, placeOf, SEEN } from './places.ts';
import { parsed } from './syntax.ts';

const CODE = `
const double = (n: number) => n * 2;
const pair = (n: number) => ({ n, far: n > 9 && double(n) });
function size(n: number): string {
  if (n > 9) return 'large';
  else if (n < 0) { return 'none'; }
  for (const one of [1, 2]) if (one === n) return (n === 1 ? 'one' : 'two');
  return 'small';
}
return JSON.stringify([size(n), pair(n)]);
`;

/** What the code gives for a number, and the texts of the places it comes by. */
function run(n: number): { result: unknown; seen: string[] } {
  const places: Place[] = [];
  const text = marked('a.ts', `function f(n: number) {${CODE}}`, places);
  const whole = `function f(n: number) {${CODE}}`;
  const seen = new Set<string>();
  Reflect.set(globalThis, SEEN, (i: number) => {
    const { start = 0, end = 0 } = places[i] ?? {};
    seen.add(whole.slice(start, end).replaceAll(/\s+/g, ' '));
  });
  // oxlint-disable-next-line no-implied-eval -- that the marked text does the same is what is to be seen
  const result: unknown = new Function('n', `${stripTypeScriptTypes(text)} return f(n);`)(n);
  Reflect.deleteProperty(globalThis, SEEN);
  return { result, seen: [...seen].filter((it) => it.length < 40) };
}

test('marked code does the same, and tells by which places it comes', () => {
  expect(run(10)).toEqual({
    result: '["large",{"n":10,"far":20}]',
    seen: ["return 'large';", '{ n, far: n > 9 && double(n) }', 'double(n)', 'n * 2'],
  });
  expect(run(2)).toMatchObject({
    result: '["two",{"n":2,"far":false}]',
    seen: expect.arrayContaining(["'two'"]) as string[],
  });
  expect(run(2).seen).not.toContain("'one'");
  expect(run(-1)).toMatchObject({ result: '["none",{"n":-1,"far":false}]' });
});

test('a mutant lies in the smallest place around it; what runs as the file is loaded lies in none', () => {
  const text = "const most = 3;\nconst small = (n: number) => (n < most ? 'yes' : 'no');\n";
  const places: Place[] = [];
  marked('a.ts', text, places);
  const placed = mutantsOf('a.ts', text).map((mutant) => {
    const place = placeOf(places, mutant);
    const { start = 0, end = 0 } = (place !== undefined && places[place]) || {};
    return [mutant.from, text.slice(start, end)];
  });
  expect(placed).toEqual([
    ['3', ''],
    ["n < most ? 'yes' : 'no'", "n < most ? 'yes' : 'no'"],
    ['<', "n < most ? 'yes' : 'no'"],
    ["'yes'", "'yes'"],
    ["'no'", "'no'"],
  ]);
});

test('calls have mutants by their own names alone', () => {
  const text = 'const a = b.toString() + c.min(d.slice(1), e.hasOwnProperty(f));\n';
  expect(mutantsOf('a.ts', text).map(({ from, to }) => `${from} → ${to}`)).toEqual([
    '+ → -',
    'min → max',
    'd.slice(1) → d',
    '1 → 2',
  ]);
});

test('each file of a whole folder can be marked', () => {
  const files = globSync('src/core/rollout/*.ts');
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const places: Place[] = [];
    expect(() => parsed(marked(file, readFileSync(file, 'utf8'), places))).not.toThrow();
  }
});
