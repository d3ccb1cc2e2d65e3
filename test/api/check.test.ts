import { expect, test } from 'vitest';
import { z } from 'zod';
import { NodeOpManifestSchema, NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { check, object } from '../../src/api/schema.ts';

/** How many entries were looked at. */
function counting() {
  let looked = 0;
  const entry = z.custom<string>((value) => {
    looked += 1;
    return value === 'right';
  });
  return { entry, looked: () => looked };
}

const COUNT = 9000;
const wrong = Array.from({ length: COUNT }, () => 'wrong');
const named = Object.fromEntries(wrong.map((it, i) => [`key${i}`, it]));

test.each<[string, (entry: z.ZodType<string>) => z.ZodType, unknown]>([
  ['list', (entry) => z.array(entry), wrong],
  ['list with a least length', (entry) => z.array(entry).min(1).optional(), wrong],
  ['map', (entry) => z.record(z.string(), entry), named],
  ['map by its keys', (entry) => z.record(entry as z.ZodString, z.string()), named],
  [
    'list deep inside',
    (entry) => object({ a: z.array(object({ b: z.array(entry) })) }),
    { a: [{ b: wrong }] },
  ],
])('the check of a %s ends when there are problems enough', (_, schemaOf, value) => {
  const { entry, looked } = counting();
  const result = check(schemaOf(entry), value);
  expect(result.ok).toBe(false);
  expect(looked()).toBeLessThanOrEqual(200);
  if (!result.ok) expect(result.problems.length).toBeGreaterThan(20);
  if (!result.ok) expect(result.problems.length).toBeLessThanOrEqual(200);
});

test('one wrong entry behind thousands of right ones is found, and none is passed over the next time', () => {
  const schema = z.array(z.literal('right'));
  const right = wrong.map(() => 'right');
  for (let i = 0; i < 3; i += 1) {
    expect(check(schema, wrong).ok).toBe(false);
    expect(check(schema, right).ok).toBe(true);
    const result = check(schema, [...right, 'wrong']);
    expect(result.ok ? [] : result.problems.map(({ path }) => path)).toEqual([[COUNT]]);
  }
});

test('problems of an alternative that was not taken let no entry pass', () => {
  const schema = object({ a: z.union([z.array(z.number()), z.array(z.string())]), b: z.array(z.string()) });
  expect(check(schema, { a: wrong, b: wrong }).ok).toBe(true);
  expect(check(schema, { a: wrong, b: [...wrong, 1] }).ok).toBe(false);
});

test('thousands of unknown fields, and of requests above their limits, are a hundred problems', () => {
  const amounts = (amount: number) => Object.fromEntries(wrong.map((_, i) => [`k${i}`, amount]));
  for (const spec of [
    { command: ['x'], ...named },
    { command: ['x'], resources: { limits: amounts(1), requests: amounts(2) } },
  ]) {
    const result = check(NodeOpSpecSchema, spec);
    expect(result.ok ? 0 : result.problems.length).toBe(100);
  }
});

test('an entry of very many lists is counted once', () => {
  const { entry, looked } = counting();
  const lists = Array.from({ length: 20_000 }, () => z.array(entry));
  for (const list of lists) check(list, ['right']);
  expect(looked()).toBe(lists.length);
});

test('a document with very many problems lets nothing pass that is read after it, or while it is checked', () => {
  const steps = [{ name: 'canary', upTo: 1 }];
  const spec = { image: 'a', command: ['x'], steps };
  const many = { image: 'a', command: wrong.map(() => 1), steps };
  expect(check(NodeOpSpecSchema, many).ok).toBe(false);
  expect(NodeOpSpecSchema.safeParse({ ...spec, tolerations: [{ operator: 'none' }] }).success).toBe(false);
  expect(NodeOpSpecSchema.parse(spec).steps?.[0]).toMatchObject({ maxFailures: 0, soakSeconds: 0 });
  const inner = z.array(z.string());
  const found: boolean[] = [];
  const nested = z.array(
    z.unknown().superRefine((_, ctx) => {
      found.push(
        check(inner, ['right']).ok,
        check(inner, wrong.map(Number)).ok,
        inner.safeParse([1]).success,
      );
      ctx.addIssue('no');
    }),
  );
  expect(check(nested, wrong).ok).toBe(false);
  expect(found.length).toBe(300);
  expect(new Set(found.filter((_, i) => i % 3 === 0))).toEqual(new Set([true]));
  expect(new Set(found.filter((_, i) => i % 3 > 0))).toEqual(new Set([false]));
});

test('what is missing is told as that, however much else is wrong before it', () => {
  const labels = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`a b${i}`, 'c d']));
  const result = check(NodeOpManifestSchema, {
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    metadata: { name: 'x', labels },
  });
  expect(result.ok ? [] : result.problems).toContainEqual({ path: ['spec'], message: 'is required' });
});
