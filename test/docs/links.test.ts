import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** What the pages and the README refer to inside of this repository is there, headings included. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

const links = pages.flatMap((page) =>
  [...read(page).matchAll(/\]\(([^)#\s]*)(?:#([^)]*))?\)/g)]
    .filter(([, to = '']) => !/^[a-z]+:/.test(to))
    .map(([, to = '', anchor]) => ({
      page,
      to: to === '' ? page : normalize(join(dirname(page), to)),
      anchor,
    })),
);

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** As Git hosts make them of headings. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('there are links', () => {
  expect(links.length).toBeGreaterThan(100);
});

test('every link leads somewhere', () => {
  const broken = links.filter(({ to, anchor }) => {
    if (!existsSync(join(ROOT, to))) return true;
    const isPage = to.endsWith('.md') && statSync(join(ROOT, to)).isFile();
    return anchor !== undefined && isPage && !anchorsOf(to).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('the index names every page', () => {
  const listed = new Set(links.filter(({ page }) => page === 'docs/README.md').map(({ to }) => to));
  const own = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md');
  expect(own.filter((page) => !listed.has(page))).toEqual([]);
});
