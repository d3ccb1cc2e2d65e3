import { expect, test } from 'vitest';
import { formatProblem } from '../../../src/api/schema.ts';
import { definition } from '../prepare/support.ts';

/** What is said of a definition whose spec has these lines, each with its line. */
function problems(lines: string): string[] {
  const text = `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: flash}\nspec:\n  image: x\n${lines}\n`;
  const { result } = definition(lines.includes('command:') ? text : text.replace('image: x', 'command: [a]'));
  if (!result.ok) return result.problems.map(formatProblem);
  return result.declares.ok ? [] : result.declares.problems.map((it) => `${it.line}: ${formatProblem(it)}`);
}
const parameter = (fields: string) =>
  problems(`  parameters:\n    - {name: A${fields === '' ? '' : `, ${fields}`}}`);

test.each([
  ['', []],
  ['type: string, enum: [a, b], default: a', []],
  ['type: integer, minimum: 1, maximum: 9, default: 3', []],
  ['type: boolean, default: false', []],
  ['required: true, pattern: "^a$"', []],
  [
    'type: text',
    ['7: spec.parameters[0].type: expected one of "string", "integer", "boolean", found the text "text"'],
  ],
  [
    'default: 007',
    ['7: spec.parameters[0].default: expected text, found the number 7, written "007"; quote it: "007"'],
  ],
  [
    'default: null',
    [
      '7: spec.parameters[0].default: expected text, found nothing; leave it out, or write "" where an empty text is meant',
    ],
  ],
  [
    'type: integer, default: 1e3',
    [
      '7: spec.parameters[0].default: expected a whole number in decimal digits, found the number 1000, written "1e3"; write 1000, or quote it where text is meant',
    ],
  ],
  [
    'type: integer, minimum: 0x10',
    [
      '7: spec.parameters[0].minimum: expected a whole number in decimal digits, found the number 16, written "0x10"; write 16, or quote it where text is meant',
    ],
  ],
  [
    'type: integer, minimum: 3, maximum: 2',
    ['7: spec.parameters[0].maximum: must be at least the minimum, 3, found 2'],
  ],
  ['type: integer, maximum: 2, default: 3', ['7: spec.parameters[0].default: must be at most 2, found 3']],
  ['type: integer, maximum: 2, enum: [1, 3]', ['7: spec.parameters[0].enum[1]: must be at most 2, found 3']],
  [
    'enum: [a, 1.10]',
    ['7: spec.parameters[0].enum[1]: expected text, found the number 1.1, written "1.10"; quote it: "1.10"'],
  ],
  ['enum: [a, a]', ['7: spec.parameters[0].enum[1]: is there more than once']],
  ['enum: []', ['7: spec.parameters[0].enum: allows nothing; leave it out to allow every value']],
  ['enum: [stable], default: x', ['7: spec.parameters[0].default: expected "stable", found "x"']],
  ['pattern: "^a$", default: b', ['7: spec.parameters[0].default: must match the pattern "^a$", found "b"']],
  ['pattern: "^a$", enum: [b]', ['7: spec.parameters[0].enum[0]: must match the pattern "^a$", found "b"']],
  [
    'pattern: "("',
    [expect.stringContaining('7: spec.parameters[0].pattern: not a regular expression as RE2 reads them')],
  ],
  ['pattern: "(?=a)"', [expect.stringContaining('not a regular expression as RE2 reads them')]],
  ['type: integer, pattern: "1"', ['7: spec.parameters[0].pattern: is for the type string alone']],
  ['minimum: 1', ['7: spec.parameters[0].minimum: is for the type integer alone']],
  [
    'required: true, default: a',
    ['7: spec.parameters[0].required: cannot be true of a parameter with a default: leave one of them out'],
  ],
  ['requierd: true', ['7: spec.parameters[0].requierd: unknown field "requierd"; did you mean "required"?']],
])('parameter {name: A, %s}', (fields, said) => {
  expect(parameter(fields)).toEqual(said);
});

test.each(['HOST_DIR', 'BOOT_ID', 'PATH', 'LD_PRELOAD', 'LD_', 'BASH_ENV', 'IFS', 'PS4'])(
  '%s is no parameter',
  (name) => {
    expect(problems(`  parameters: [{name: ${name}}]`)).toEqual([
      `6: spec.parameters[0].name: cannot be ${name}, which the agent, the loader or the shell heeds`,
    ]);
  },
);

test.each(['"1A"', 'A-B', 'A.B', '"A=B"', '"A B"', '""', '5', 'A'.repeat(101)])(
  '%s names no variable',
  (name) => {
    expect(problems(`  parameters: [{name: ${name}}]`)).toHaveLength(1);
  },
);

test('names differ by their case, and from those of env', () => {
  expect(problems('  parameters: [{name: A}, {name: a}]')).toEqual([]);
  expect(problems('  parameters: [{name: A}, {name: B}, {name: A}]')).toEqual([
    '6: spec.parameters[2].name: "A" is declared more than once',
  ]);
  expect(
    problems('  env:\n    - {name: B, value: c}\n    - {name: A, value: c}\n  parameters: [{name: A}]'),
  ).toEqual(['8: spec.env[1].name: "A" is a parameter; leave it out here']);
});

test('a kubelet would write a value into a script: it has to be read as a variable there', () => {
  const said = (place: string) =>
    `${place}: $(A) would be replaced before anything reads this; "$A" in double quotes is the variable`;
  const declared = '\n  parameters: [{name: A}]';
  expect(problems(`  command: [sh, -c, 'flash $(A)']${declared}`)).toEqual([said('6: spec.command[2]')]);
  expect(problems(`  command: [chroot, /host, bash, -ec, 'flash $(A)']${declared}`)).toEqual([
    said('6: spec.command[4]'),
  ]);
  expect(problems(`  command: [/bin/sh, -ce, 'flash $(A)']${declared}`)).toEqual([
    said('6: spec.command[2]'),
  ]);
  for (const [words, at] of [
    [`[perl, -ne, 'print $(A)']`, 2],
    [`[/usr/bin/node, '--eval=f($(A))']`, 1],
    [`[php8.2, -r, 'f($(A));']`, 2],
    [`[su, "-", root, '--command=flash $(A)']`, 3],
    [`[fish, --command, 'flash $(A)']`, 2],
  ] as const)
    expect(problems(`  command: ${words}${declared}`)).toEqual([said(`6: spec.command[${at}]`)]);
  const carried = problems(
    `  env: [{name: B, value: 'v=$(A)'}, {name: C, value: $(B)}, {name: D, value: $$(A)}]\n  command: [sh, -c, 'flash $(D) $(C)']${declared}`,
  );
  expect(carried).toEqual([expect.stringMatching(/spec\.command\[2\]: \$\(C\) would be replaced/)]);
  expect(problems(`  command: [flash, -channel, $(A)]${declared}`)).toEqual([]);
  expect(problems(`  command: [a]\n  preflight: {command: [sh, -c, 'x', $(A)]}${declared}`)).toEqual([
    said('7: spec.preflight.command[3]'),
  ]);
  for (const fine of [
    `[flash, $(A)]`,
    `[sh, -c, 'flash "$A"']`,
    `[sh, -c, 'flash $$(A)']`,
    `[sh, -c, 'flash $(B)']`,
    `[flash, -e, $(A), -r, $(A)]`,
    `[flash, --commander=$(A)]`,
  ])
    expect(problems(`  command: ${fine}${declared}`)).toEqual([]);
});

test('what runs may override is told by the names of fields', () => {
  expect(problems('  overridable: [concurrency, nodeSelector, env]')).toEqual([]);
  expect(problems('  overridable: []')).toEqual([]);
  expect(problems('  overridable: [concurency]')).toEqual([
    expect.stringContaining('did you mean "concurrency"?'),
  ]);
  expect(problems('  overridable: [drainOptions.force]')).toEqual([
    expect.stringContaining('6: spec.overridable[0]: '),
  ]);
  expect(problems('  overridable: [image, image]')).toEqual([
    '6: spec.overridable[1]: "image" is there more than once',
  ]);
  expect(problems('  overridable: all')).toEqual([expect.stringContaining('expected a list')]);
});

test('there is a bound to how many are declared', () => {
  const some = (n: number) =>
    `  parameters: [${Array.from({ length: n }, (_, i) => `{name: A${i}}`).join(', ')}]`;
  expect(problems(some(50))).toEqual([]);
  expect(problems(some(51))).toEqual(['6: spec.parameters: must have at most 50 entries, has 51']);
});
