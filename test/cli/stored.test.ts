import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readStored } from '../../src/cli/stored.ts';
import { validatePaths } from '../../src/cli/validate/paths.ts';
import { nodeOp, TestRepository } from '../runs/support.ts';

test('files are read as git stores them, and links and submodules are refused as the agent does', async () => {
  using repository = new TestRepository();
  const { clone } = repository;
  repository.write({
    '.gitattributes': 'runs/utf16.yaml working-tree-encoding=UTF-16LE-BOM\nruns/crlf.yaml text eol=crlf\n',
    'runs/plain.yaml': nodeOp('plain'),
    'runs/crlf.yaml': nodeOp('crlf').replaceAll('\n', '\r\n'),
    'runs/utf16.yaml': Buffer.from(`\uFEFF${nodeOp('utf16')}`, 'utf16le'),
  });
  symlinkSync('/etc/passwd', join(clone, 'runs/link.yaml'));
  mkdirSync(join(clone, 'runs/module/.git'), { recursive: true });
  const file = (name: string) => join(clone, 'runs', name);
  const stored = readStored(clone, ['plain.yaml', 'crlf.yaml', 'utf16.yaml'].map(file));
  const text = (name: string) => Buffer.from(stored.get(file(name))?.bytes ?? []).toString();
  expect(text('plain.yaml')).toBe(nodeOp('plain'));
  expect(text('crlf.yaml')).toBe(nodeOp('crlf'));
  expect(text('utf16.yaml')).toContain(nodeOp('utf16'));
  expect([...stored.values()].map(({ differs }) => differs)).toEqual([false, true, true]);

  const { problems } = await validatePaths([], { root: clone, nodeops: 'nodeops' });
  expect(problems.map(({ file: path, message }) => [path.slice(clone.length + 1), message])).toEqual([
    ['runs/link.yaml', 'is a symbolic link; run files must be plain files'],
    ['runs/module', 'is a submodule; run files must be plain files'],
  ]);
  repository.git(clone, 'status', '--porcelain');
  expect(repository.git(clone, 'count-objects').startsWith('0 objects')).toBe(true);
});

test('outside of a repository files are read as they are', () => {
  using repository = new TestRepository();
  const path = join(repository.root, 'a.yaml');
  writeFileSync(path, 'a: 1\r\n');
  expect(readStored(repository.root, [path]).get(path)).toEqual({
    mode: '100644',
    bytes: Buffer.from('a: 1\r\n'),
    differs: false,
  });
});
