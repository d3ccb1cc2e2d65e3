import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { asVariables, asWords, withoutParameters } from '../../../src/core/runs/parameters/environment.ts';

const NAMES = ['VERSION', 'COUNT'];
const values = fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 2 });
const command = fc.array(fc.string(), { minLength: 1, maxLength: 4 }).filter(([first]) => first !== 'env');
const env = fc.option(
  fc.array(fc.record({ name: fc.constantFrom('A', 'B'), value: fc.string() }), { minLength: 1 }),
  {
    nil: undefined,
  },
);
const part = fc.option(
  command.map((it) => ({ command: it, image: 'x' })),
  { nil: undefined },
);
const spec = fc
  .record({ command, env, preflight: part, postflight: part })
  .map((it): Record<string, unknown> =>
    Object.fromEntries(Object.entries(it).filter(([, value]) => value !== undefined)),
  );
const known = (it: object) => JSON.parse(JSON.stringify(it)) as object;

test('without its parameters a spec is what people wrote, whoever carries it out', () => {
  fc.assert(
    fc.property(spec, values, (written, given) => {
      const resolved = given.map((value, i) => ({ name: NAMES[i] ?? '', value, isDefault: false }));
      const names = resolved.map(({ name }) => name);
      const own = (written['env'] ?? []) as object[];
      const variables = { ...written, env: [...asVariables(resolved), ...own] };
      expect(known(withoutParameters(variables, names))).toEqual(written);
      const words = (it: unknown) => [...asWords(resolved), ...(it as string[])];
      const parts = Object.entries(written).map(([name, it]) => {
        if (name === 'command') return [name, words(it)];
        return [
          name,
          name === 'env' ? it : { ...(it as object), command: words((it as { command: string[] }).command) },
        ];
      });
      expect(known(withoutParameters(Object.fromEntries(parts) as object, names))).toEqual(written);
      // What has none of them loses nothing.
      expect(known(withoutParameters(written, names))).toEqual(written);
      expect(known(withoutParameters(written, []))).toEqual(written);
    }),
  );
});

test('a command that sets variables of its own keeps them', () => {
  const written = { command: ['env', 'OTHER=1', 'flash'], env: [{ name: 'OTHER', value: '1' }] };
  expect(withoutParameters(written, ['VERSION'])).toEqual(written);
  expect(withoutParameters(written, [])).toEqual(written);
  const both = { command: ['env', 'VERSION=2', 'OTHER=1', 'flash'] };
  expect(withoutParameters(both, ['VERSION', 'COUNT'])).toEqual(both);
  expect(withoutParameters(both, ['VERSION'])).toEqual({ command: ['OTHER=1', 'flash'] });
});
