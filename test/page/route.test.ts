import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodePath, routeOf, runPath, withQuery } from '../../src/page/browser/route.ts';

const at = (address: string) => {
  const { pathname, search } = new URL(address, 'http://here');
  return routeOf(pathname, search);
};

test.each([
  ['/', 'runs'],
  ['/nodes', 'nodes'],
  ['/agent', 'agent'],
  ['/nodes/', 'nowhere'],
  ['/elsewhere', 'nowhere'],
  ['/runs/%E0%A4%A', 'nowhere'],
])('%s is the view %s', (address, view) => {
  expect(at(address).view).toBe(view);
});

test.each(['a.yaml', 'folder/a b.yaml', '~ns/name', '=lisbon/a.yaml', '/outside/a.yaml', 'a%2Fb?#.yaml'])(
  'the address of run %j leads to it',
  (run) => {
    expect(at(runPath(run))).toEqual({ view: 'run', run });
  },
);

test('whatever a file is called, its address leads to it', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((it) => !/^\.{0,2}$/.test(it) && !it.includes('/'));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), name, (parts, node) => {
      const run = parts.join('/');
      expect(at(runPath(run))).toEqual({ view: 'run', run });
      expect(at(nodePath(node, run))).toEqual({ view: 'node', node, run });
    }),
  );
});

test('an address has the parameters that say something', () => {
  expect(withQuery('/', { state: 'Failed', text: '', person: undefined })).toBe('/?state=Failed');
  expect(withQuery('/', {})).toBe('/');
});
