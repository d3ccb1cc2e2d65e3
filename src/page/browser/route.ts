import type { RunId } from '../../api/page.ts';

/** Where one is; addresses are those of `src/api/page.ts`. */
export type Route =
  | { view: 'runs'; query: URLSearchParams }
  | { view: 'run'; run: RunId }
  | { view: 'nodes'; query: URLSearchParams }
  | { view: 'node'; node: string; run?: RunId }
  | { view: 'agent' }
  | { view: 'nowhere' };

export function routeOf(pathname: string, search: string): Route {
  const query = new URLSearchParams(search);
  if (pathname === '/') return { view: 'runs', query };
  if (pathname === '/nodes') return { view: 'nodes', query };
  if (pathname === '/agent') return { view: 'agent' };
  const [, kind, ...rest] = pathname.split('/');
  const name = decoded(rest);
  if (name === undefined || name === '') return { view: 'nowhere' };
  if (kind === 'runs') return { view: 'run', run: name };
  if (kind !== 'nodes') return { view: 'nowhere' };
  const run = query.get('run');
  return run === null ? { view: 'node', node: name } : { view: 'node', node: name, run };
}

function decoded(parts: readonly string[]): string | undefined {
  try {
    return parts.map(decodeURIComponent).join('/');
  } catch {
    return undefined;
  }
}

export function runPath(id: RunId): string {
  return `/runs/${id.split('/').map(encoded).join('/')}`;
}

export function nodePath(node: string, run?: RunId): string {
  return `/nodes/${encoded(node)}${run === undefined ? '' : `?run=${encoded(run)}`}`;
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** An address with those parameters that say something. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given as [string, string][]).toString();
  return text === '' ? path : `${path}?${text}`;
}
