import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/** A file that browsers get. All but `/` have a hash of their content in the path, so they may be kept for good. */
export interface Asset {
  path: string;
  type: string;
  text: string;
}

const BROWSER = join(import.meta.dirname, 'browser');

/** In the order in which they lie over each other. */
const STYLES = ['base', 'layout', 'parts', 'charts', 'print'];

/** Makes one script, one style sheet, an icon and the document that names them. */
export async function bundlePage(): Promise<readonly Asset[]> {
  const script = asset('page.js', 'text/javascript', await bundleScript());
  const style = asset('page.css', 'text/css', bundleStyles());
  const icon = asset('icon.svg', 'image/svg+xml', readFileSync(join(BROWSER, 'icon.svg'), 'utf8'));
  const document = readFileSync(join(BROWSER, 'page.html'), 'utf8')
    .replace('page.tsx', script.path)
    .replace('page.css', style.path)
    .replace('icon.svg', icon.path);
  return [{ path: '/', type: 'text/html; charset=utf-8', text: document }, script, style, icon];
}

function asset(name: string, type: string, text: string): Asset {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { path: `/assets/${name.replace('.', `-${hash}.`)}`, type: `${type}; charset=utf-8`, text };
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
  const text = STYLES.map((name) => readFileSync(join(BROWSER, 'styles', `${name}.css`), 'utf8')).join('');
  return text
    .replaceAll(/\/\*[^*]*\*\//g, '')
    .replaceAll(/\n\s*/g, '\n')
    .trimStart();
}
