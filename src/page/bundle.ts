import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import type { PageAsset } from '../api/page.ts';

const BROWSER = join(import.meta.dirname, 'browser');

/** In the order in which they lie over each other. */
const STYLES = ['base', 'layout', 'parts', 'charts', 'print'];

/** Where the server has them. */
const FOLDER = '/page/';

/** Makes one script, one style sheet, an icon and the document that names them. */
export async function bundlePage(): Promise<readonly PageAsset[]> {
  const files = {
    'page.tsx': asset('page.js', 'text/javascript', await bundleScript()),
    'page.css': asset('page.css', 'text/css', bundleStyles()),
    'icon.svg': asset('icon.svg', 'image/svg+xml', read('icon.svg')),
  };
  let document = read('page.html');
  for (const [source, { path }] of Object.entries(files))
    document = document.replace(`"${source}"`, `"${FOLDER}${path}"`);
  return [compressed('index.html', 'text/html', document), ...Object.values(files)];
}

function asset(name: string, type: string, text: string): PageAsset {
  return compressed(`assets/${name.replace('.', `-${hashOf(text)}.`)}`, type, text);
}

function compressed(path: string, type: string, text: string): PageAsset {
  return {
    path,
    type: `${type}; charset=utf-8`,
    brotli: brotliCompressSync(text).toString('base64'),
    gzip: gzipSync(text, { level: 9 }).toString('base64'),
    etag: hashOf(text),
  };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function read(name: string): string {
  return readFileSync(join(BROWSER, name), 'utf8');
}

async function bundleScript(): Promise<string> {
  const bundle = await rolldown({
    input: join(BROWSER, 'page.tsx'),
    platform: 'browser',
    tsconfig: join(BROWSER, 'tsconfig.json'),
  });
  const { output } = await bundle.generate({ format: 'iife', codeSplitting: false, minify: true });
  await bundle.close();
  return output[0].code;
}

/** Comments and indentation are for those who read the sources. */
function bundleStyles(): string {
  const text = STYLES.map((name) => read(`styles/${name}.css`)).join('');
  return text
    .replaceAll(/\/\*[^*]*\*\//g, '')
    .replaceAll(/\n\s*/g, '\n')
    .trimStart();
}
