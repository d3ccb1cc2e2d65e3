import { describe, expect, test } from 'vitest';
import { resourcesProblems } from '../../src/api/resource-rules.ts';

const told = (it: Parameters<typeof resourcesProblems>[0]) =>
  resourcesProblems(it).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('what an API server refuses of resources', () => {
  test.each([
    [{ limits: { cpus: 1 } }, /^limits.cpus: expected cpu, .*; did you mean "cpu"\?$/],
    [{ requests: { Memory: '1Gi' } }, /did you mean "memory"\?$/],
    [{ limits: { storage: '1Gi' } }, /^limits.storage: expected cpu/],
    [{ limits: { gpu: 1 } }, /^limits.gpu: expected cpu/],
    [{ limits: { constructor: 1 } }, /^limits.constructor: expected cpu/],
    [{ limits: { '': 1 } }, /^limits.: expected cpu/],
    [{ limits: { 'a b/c': 1 } }, /not the name of a resource$/],
    [{ limits: { 'requests.example.org/x': 1 } }, /not the name of a resource$/],
    [{ limits: { 'example.org/gpu': '500m' } }, /must be a whole number$/],
    [{ requests: { 'example.org/gpu': 1 } }, /^requests.example.org\/gpu: needs a limit that is the same$/],
    [
      { requests: { 'example.org/gpu': 1 }, limits: { 'example.org/gpu': 2 } },
      /must be the same as the limit, 2$/,
    ],
    [{ limits: { 'hugepages-2Mi': '3Mi', memory: '1Gi' } }, /must be a multiple of 2Mi$/],
    [{ limits: { 'hugepages-0Mi': '3Mi', memory: '1Gi' } }, /must be a multiple of 0Mi$/],
    [{ limits: { 'hugepages-2Mi': '2Mi' } }, /^limits.hugepages-2Mi: needs cpu or memory beside it$/],
    [{ requests: { 'hugepages-2Mi': '2Mi', cpu: 1 } }, /needs a limit that is the same$/],
    [{ limits: { 'hugepages-x': '2Mi', cpu: 1 } }, /^limits.hugepages-x: expected/],
    [{ claims: [{ name: 'a' }] }, /^claims: must be left out/],
    [{ requests: { cpu: '2301m' }, limits: { cpu: '2.3' } }, /must not be more than the limit, 2.3$/],
    [{ requests: { memory: '1Ki' }, limits: { memory: '1e3' } }, /must not be more than the limit/],
    [{ requests: { memory: '1e41' }, limits: { memory: '1Ei' } }, /must not be more than the limit/],
    [{ limits: { cpu: '-1n' } }, /must not be less than nothing$/],
  ])('%j', (resources, expected) => {
    expect(told(resources as never).join('\n')).toMatch(expected);
  });

  test.each([
    { requests: { cpu: '2300m' }, limits: { cpu: '2.3' } },
    { requests: { cpu: '0.1' }, limits: { cpu: '100m' } },
    { requests: { memory: '1e3' }, limits: { memory: '1Ki' } },
    { requests: { memory: '1.5Gi' }, limits: { memory: '1536Mi' } },
    { requests: { cpu: '.5' }, limits: { cpu: 1 } },
    { requests: { 'example.org/gpu': '2' }, limits: { 'example.org/gpu': '2000m' } },
    { limits: { 'hugepages-2Mi': '4Mi', memory: '1Gi', 'example.org/x': 3 } },
    { requests: { 'ephemeral-storage': '1Gi' } },
    { claims: [] },
    {},
  ])('and what it takes: %j', (resources) => {
    expect(told(resources as never)).toEqual([]);
  });
});
