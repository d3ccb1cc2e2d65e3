import { z } from 'zod';
import { file, object, objectName, show } from './schema.ts';
import { addressFlaw, originOf } from './web-address.ts';

/** Where requests of checks may go, and with what: the administrator's, since whoever writes run files must not decide it. */

const origin = () =>
  z.string().superRefine((text, ctx) => {
    const flaw =
      addressFlaw(text) ??
      (isOrigin(text) ? undefined : 'must end after the port; a host is allowed as a whole');
    if (flaw !== undefined) ctx.addIssue({ code: 'custom', message: flaw });
  });

function isOrigin(text: string): boolean {
  const { pathname, search } = new URL(text);
  return pathname === '/' && search === '' && !text.includes('?');
}

const prefix = () =>
  z.string().superRefine((text, ctx) => {
    const flaw = addressFlaw(text) ?? (text.includes('?') ? 'must not have a query' : undefined);
    if (flaw !== undefined) ctx.addIssue({ code: 'custom', message: flaw });
  });

const Credentials = object({
  name: objectName().describe('What a check names them by.'),
  url: prefix().describe('They are sent to this URL and what lies below it, nowhere else.'),
  headersFile: file('Headers to send, a line each, such as "Authorization: Bearer …".'),
});

export const CheckAccessSchema = object({
  allowedHosts: z
    .array(origin())
    .default([])
    .describe('Hosts that requests of checks may go to, as scheme://host:port; none when empty.'),
  credentials: z.array(Credentials).default([]).describe('What may be sent with such a request.'),
}).superRefine(({ allowedHosts, credentials }, ctx) => {
  const origins = new Set(allowedHosts.filter(isGood).map(originOf));
  for (const [i, { name, url }] of credentials.entries()) {
    const first = credentials.findIndex((it) => it.name === name);
    const say = (field: string, message: string) =>
      ctx.addIssue({ code: 'custom', path: ['credentials', i, field], message });
    if (first !== i) say('name', `credentials[${first}] has the name ${show(name)} too`);
    if (isGood(url) && !origins.has(originOf(url)))
      say('url', `${originOf(url)} is not among allowedHosts, so that nothing is sent there`);
  }
});
export type CheckAccess = z.infer<typeof CheckAccessSchema>;

const isGood = (text: string) => addressFlaw(text) === undefined;

/** Why a request to an address may not be sent; undefined when it may. */
export function accessFlaw(
  { url, credentials }: { url: string; credentials?: string | undefined },
  access: CheckAccess,
): { field: 'url' | 'credentials'; message: string } | undefined {
  const flaw = addressFlaw(url);
  if (flaw !== undefined) return { field: 'url', message: flaw };
  const asked = originOf(url);
  if (!access.allowedHosts.some((it) => originOf(it) === asked)) {
    const message = `${asked} is not among checks.allowedHosts of the agent's configuration`;
    return { field: 'url', message };
  }
  if (credentials === undefined) return undefined;
  const known = access.credentials.find(({ name }) => name === credentials);
  if (known === undefined) {
    const message = `${show(credentials)} is not among checks.credentials of the agent's configuration`;
    return { field: 'credentials', message };
  }
  if (liesBelow(url, known.url)) return undefined;
  return { field: 'credentials', message: `${show(credentials)} are for ${known.url} only` };
}

/** By origin and whole segments of the path, both as a client reads them. */
function liesBelow(url: string, root: string): boolean {
  if (originOf(url) !== originOf(root)) return false;
  const [{ pathname }, base] = [new URL(url), new URL(root).pathname.replace(/\/$/, '')];
  // What a server may take for "/" or "..", and a client does not; some leave out what comes after ";" in a segment.
  if (/%(?:2e|2f|5c)|\/\.{1,2};/i.test(pathname)) return false;
  return pathname === base || pathname.startsWith(`${base}/`);
}
