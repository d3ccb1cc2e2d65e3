import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { check, formatProblem } from '../../src/api/schema.ts';

const problems = (spec: object) => {
  const result = check(NodeOpSpecSchema, { image: 'busybox', command: ['true'], ...spec });
  return result.ok ? [] : result.problems.map(formatProblem);
};
const canary = { name: 'canary' };

test.each<[string, object]>([
  ['numbers', { concurrency: 0, maxFailures: 0 }],
  ['shares', { concurrency: '1%', maxFailures: '100%' }],
  ['no failure as a share', { maxFailures: '0%' }],
  ['a step with nothing but a name', { steps: [canary] }],
  ['twenty steps', { steps: Array.from({ length: 20 }, (_, i) => ({ name: `s${i}` })) }],
  [
    'steps that grow',
    {
      steps: [
        { ...canary, upTo: 1 },
        { name: 'b', upTo: '10%' },
        { name: 'c', upTo: 5 },
      ],
    },
  ],
  [
    'steps as large as the one before',
    {
      steps: [
        { ...canary, upTo: 3 },
        { name: 'b', upTo: 3 },
      ],
    },
  ],
])('%s are taken', (_, spec) => {
  expect(problems(spec)).toEqual([]);
});

test('all that is wrong is told at once', () => {
  const steps = [{ name: 'a', upTo: 5 }, { name: 'a', upTo: 2, soakSeconds: -1 }, {}, { name: 'rest' }, null];
  expect(problems({ steps })).toEqual([
    'steps[1].soakSeconds: must be at least 0, found -1',
    'steps[2].name: is required',
    'steps[3].name: "rest" has a meaning of its own and names no step; choose another name',
    'steps[4]: expected a mapping, found nothing',
    'steps[1].name: steps[0] has the name "a" too',
    'steps[1].upTo: must not go down: step "a" goes up to 5 already, found 2',
  ]);
});

test.each<[object, string]>([
  [
    { concurrency: '0%' },
    'concurrency: expected a whole number, or a share of the nodes such as "25%", found the text "0%"; a share is in whole percent, from "1%" on',
  ],
  [
    { concurrency: '101%' },
    'concurrency: expected a whole number, or a share of the nodes such as "25%", found the text "101%"; a share is at most "100%"',
  ],
  [
    { concurrency: '12.5%' },
    'concurrency: expected a whole number, or a share of the nodes such as "25%", found the text "12.5%"; a share is in whole percent, from "1%" on',
  ],
  [
    { concurrency: 'half' },
    'concurrency: expected a whole number, or a share of the nodes such as "25%", found the text "half"',
  ],
  [{ concurrency: -1 }, 'concurrency: must be at least 0, found -1'],
  [
    { maxFailures: '05%' },
    'maxFailures: expected a whole number, or a share of the nodes such as "25%", found the text "05%"; a share is in whole percent, from "1%" on',
  ],
  [
    { maxFailures: '2' },
    'maxFailures: expected a whole number, or a share of the nodes such as "25%", found the text "2"; take the quotes away: 2',
  ],
  [{ steps: [] }, 'steps: must have at least 1 entries, has 0'],
  [
    { steps: Array.from({ length: 21 }, (_, i) => ({ name: `s${i}` })) },
    'steps: must have at most 20 entries, has 21',
  ],
  [{ steps: [{}] }, 'steps[0].name: is required'],
  [{ steps: [canary, { name: 'b' }, canary] }, 'steps[2].name: steps[0] has the name "canary" too'],
  [
    { steps: [{ name: 'rest' }] },
    'steps[0].name: "rest" has a meaning of its own and names no step; choose another name',
  ],
  [
    { steps: [{ name: 'start' }] },
    'steps[0].name: "start" has a meaning of its own and names no step; choose another name',
  ],
  [
    { steps: [{ name: 'freeze' }] },
    'steps[0].name: "freeze" has a meaning of its own and names no step; choose another name',
  ],
  [
    { steps: [{ name: 'Canary 1' }] },
    'steps[0].name: expected lower-case letters, digits and "-", starting and ending with a letter or digit, found "Canary 1"',
  ],
  [{ steps: [{ ...canary, upTo: 0 }] }, 'steps[0].upTo: must be at least 1, found 0'],
  [
    {
      steps: [
        { ...canary, upTo: 5 },
        { name: 'b', upTo: 2 },
      ],
    },
    'steps[1].upTo: must not go down: step "canary" goes up to 5 already, found 2',
  ],
  [
    {
      steps: [
        { ...canary, upTo: '20%' },
        { name: 'b', upTo: 9 },
        { name: 'c', upTo: '10%' },
      ],
    },
    'steps[2].upTo: must not go down: step "canary" goes up to 20% already, found 10%',
  ],
  [
    { steps: [{ ...canary, soakSecond: 5 }] },
    'steps[0].soakSecond: unknown field "soakSecond"; did you mean "soakSeconds"?',
  ],
  [{ postflight: {} }, 'postflight.command: is required'],
])('%j is refused', (spec, expected) => {
  expect(problems(spec)).toEqual([expected]);
});
