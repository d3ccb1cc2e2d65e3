import { describe, expect, test } from 'vitest';
import {
  type Definition,
  findDefinition,
  ownParts,
  parseDefinition,
} from '../../src/core/runs/definitions.ts';

const parse = (text: string, path = 'nodeops/a.yaml') => parseDefinition(path, Buffer.from(text));
const nodeOp = (spec: string, metadata = 'name: flash') =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {${metadata}}\nspec: ${spec}\n`;
const nodeOpRun = (spec: string) =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nmetadata: {name: nightly}\nspec: ${spec}\n`;
const problems = (text: string, path?: string) => {
  const parsed = parse(text, path);
  return 'result' in parsed && !parsed.result.ok
    ? parsed.result.problems.map((it) => [it.path.join('.'), it.message])
    : 'none';
};

describe('a file under the definitions', () => {
  test('is a definition, whatever its spec: that is judged with the run that names it', () => {
    expect(parse(nodeOp('{command: 7, overridable: [image]}'))).toEqual({
      path: 'nodeops/a.yaml',
      result: {
        ok: true,
        name: 'flash',
        metadata: { name: 'flash' },
        spec: { command: 7 },
        declares: { ok: true, value: { parameters: [], overridable: ['image'] } },
      },
    });
    expect(parse(nodeOp('text'))).toMatchObject({
      result: { ok: true, spec: 'text', declares: { ok: true, value: { parameters: [] } } },
    });
  });

  test('is a definition and its own schedule', () => {
    const text = nodeOp(
      '{command: [a], suspend: true, schedule: "0 3 * * *", timeZone: UTC}',
      'name: flash, namespace: ops',
    );
    expect(parse(text)).toMatchObject({
      result: {
        ok: true,
        spec: { command: ['a'], suspend: true },
        recurring: {
          metadata: { name: 'flash', namespace: 'ops' },
          spec: { nodeOp: 'flash', schedule: '0 3 * * *', timeZone: 'UTC', suspend: true },
        },
      },
    });
    const bare = parse(nodeOp('{command: [a], schedule: "0 3 * * *", timeZone: UTC}'));
    expect(bare).toMatchObject({ result: { ok: true } });
    expect(JSON.stringify(bare)).not.toMatch(/namespace|suspend/);
  });

  test('is a schedule of another definition', () => {
    const text = nodeOpRun('{nodeOp: flash, schedule: "0 3 * * *", timeZone: UTC, parameters: {COUNT: 3}}');
    expect(parse(text)).toMatchObject({ path: 'nodeops/a.yaml', run: { spec: { nodeOp: 'flash' } } });
  });

  test.each<[string, string, string, RegExp]>([
    ['whose schedule is none', nodeOp('{command: [a], schedule: "at noon"}'), 'spec.schedule', /.+/],
    ['that declares what is no parameter', nodeOp('{parameters: [{name: 3}]}'), 'none', /.*/],
    [
      'whose schedule has a number that its runs would have in other words',
      nodeOpRun('{nodeOp: flash, schedule: "0 3 * * *", timeZone: UTC, parameters: {COUNT: 1e3}}'),
      'spec.parameters.COUNT',
      /written "1e3"/,
    ],
    ['of another kind', 'apiVersion: v1\nkind: Pod\n', 'kind', /.+/],
    ['that is no YAML', '{', '', /.+/],
  ])('is told what is wrong with it: one %s', (_, text, path, message) => {
    const found = problems(text);
    if (path === 'none') expect(found).toBe('none');
    else expect(found).toContainEqual([expect.stringContaining(path), expect.stringMatching(message)]);
  });

  test('is not read when its name cannot be shown', () => {
    expect(problems(nodeOp('{}'), 'nodeops/a.not-utf-8-0123456789abcdef.yaml')).toEqual([
      ['', expect.stringMatching(/not UTF-8/)],
    ]);
  });
});

test('a spec that says nothing of times or choices is handed on as it stands', () => {
  const spec = { command: ['a'] };
  expect(ownParts(spec)).toEqual({ spec });
  expect(ownParts(spec).spec).toBe(spec);
  expect(ownParts(3)).toEqual({ spec: 3 });
  expect(ownParts({ ...spec, parameters: [], schedule: 'x' })).toEqual({ spec, schedule: { schedule: 'x' } });
});

describe('the definition of a name', () => {
  const at = (path: string, name: string): Definition =>
    parse(nodeOp('{command: [a]}', `name: ${name}`), path) as Definition;
  const all = [
    at('nodeops/a.yaml', 'flash'),
    at('nodeops/b.yaml', 'drain'),
    parse('{', 'nodeops/c.yaml') as Definition,
    parse('{', 'nodeops/d.yaml') as Definition,
  ];
  const problem = (definitions: Definition[], name: string) => {
    const found = findDefinition(definitions, name);
    return found.ok ? found.path : found.problem;
  };

  test('is the one that has it', () => {
    expect(problem(all, 'drain')).toBe('nodeops/b.yaml');
  });

  test('is none of several: it is told where they are', () => {
    expect(problem([...all, at('nodeops/e.yaml', 'flash')], 'flash')).toEqual({
      path: ['spec', 'nodeOp'],
      message: 'definition "flash" is there more than once: nodeops/a.yaml, nodeops/e.yaml',
    });
  });

  test('that is not there may be one that was meant, or one that cannot be read', () => {
    expect(problem(all, 'flahs')).toMatchObject({
      message:
        'no definition is named "flahs"; did you mean "flash"?; not readable: nodeops/c.yaml, nodeops/d.yaml',
    });
    expect(problem(all.slice(0, 2), 'something-else')).toMatchObject({
      message: 'no definition is named "something-else"',
    });
  });
});
