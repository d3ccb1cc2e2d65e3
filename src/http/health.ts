import type { HttpRequest, Route } from './server.ts';

/** One thing the agent needs to do its work, and what is missing of it, if anything. */
export interface Check {
  name: string;
  /** What is wrong, for people; undefined when all is well. */
  missing?: string | undefined;
  /** What is known when all is well. */
  detail?: string | undefined;
}

/**
 * `/livez`: the process gets on, whatever may be away outside; when it does not, only another one will. `/readyz`: it can
 * do its work, or what is missing for that, as lines of text, or as JSON to whoever accepts that.
 */
export function healthRoutes(
  checks: () => readonly Check[],
  progress: () => readonly Check[] = () => [],
): Route[] {
  return [
    { method: 'GET', path: '/livez', handle: () => livez(progress()) },
    { method: 'GET', path: '/readyz', handle: (request) => readyz(request, checks()) },
  ];
}

function livez(checks: readonly Check[]) {
  const stuck = checks.filter(({ missing }) => missing !== undefined);
  if (stuck.length === 0) return { code: 200, body: 'ok\n' };
  return { code: 503, body: stuck.map(({ name, missing }) => `[-] ${name}: ${missing}\n`).join('') };
}

function readyz({ headers }: HttpRequest, checks: readonly Check[]) {
  const ready = checks.every(({ missing }) => missing === undefined);
  const code = ready ? 200 : 503;
  if (headers.accept?.includes('application/json') === true) return { code, body: { ready, checks } };
  const lines = checks.map(({ name, missing, detail }) => {
    const sign = missing === undefined ? '+' : '-';
    return `[${sign}] ${name}: ${missing ?? detail ?? 'ok'}\n`;
  });
  return { code, body: `${ready ? 'ready' : 'not ready'}\n${lines.join('')}` };
}
