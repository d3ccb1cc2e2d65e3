import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

interface Packed {
  files: { path: string }[];
}

test('the package has the program, what init and the docs copy out of it, and nothing else', () => {
  const text = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' });
  const [packed] = Object.values(JSON.parse(text) as Packed[]);
  const files = (packed?.files ?? []).map(({ path }) => path).filter((it) => !it.startsWith('dist/'));
  const folders = execFileSync('git', ['ls-files', 'config', 'examples', 'manifests'], { encoding: 'utf8' });
  const expected = ['LICENSE', 'README.md', 'package.json', ...folders.trim().split('\n')];
  expect(files.toSorted()).toEqual(expected.toSorted());
  const { bin, files: listed } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    bin: Record<string, string>;
    files: string[];
  };
  expect(listed).toContain(dirname(bin['nodeop-agent'] ?? ''));
});

/** As GitHub makes them of headings; a second one of the same name gets a number. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCode(markdown).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const name = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    let anchor = name;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${name}-${n}`;
    anchors.add(anchor);
  }
  for (const [, id = ''] of markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

const withoutCode = (markdown: string) => markdown.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '');

const PAGES = globSync('{*.md,docs/**/*.md}');

test.each(PAGES)('what %s links to is there', (page) => {
  const text = withoutCode(readFileSync(page, 'utf8')).replaceAll(/`[^`\n]*`/g, '');
  const missing: string[] = [];
  for (const [, target = ''] of text.matchAll(/\]\(<?([^)\s>]+)>?[^)]*\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(file)) missing.push(target);
    else if (anchor !== undefined && statSync(file).isFile()) {
      if (!anchorsOf(readFileSync(file, 'utf8')).has(anchor)) missing.push(target);
    }
  }
  expect(missing).toEqual([]);
});

test('places that the pages for contributors name are there', () => {
  const text = `${readFileSync('CONTRIBUTING.md', 'utf8')}${readFileSync('docs/architecture.md', 'utf8')}`;
  const places = [...text.matchAll(/`((?:src|test|scripts|config|manifests|examples|docs)\/[\w./-]+)`/g)];
  const missing = places.map((it) => it[1] ?? '').filter((it) => !existsSync(it));
  expect(places.length).toBeGreaterThan(40);
  expect(missing).toEqual([]);
});
