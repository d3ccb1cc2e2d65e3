import { z } from 'zod';
import type { Flaw } from './git-access.ts';
import { int, object } from './schema.ts';

const LOOPBACK = '127.0.0.1';
const KINDS = ['tokenFile', 'kubernetes', 'proxy'] as const;

const header = (name: string) =>
  z
    .string()
    .regex(/^[a-z0-9-]{1,100}$/i, 'expected the name of a header')
    .default(name);

const PageAuth = object({
  tokenFile: z
    .string()
    .min(1, 'must not be empty')
    .optional()
    .describe('File with a token; who knows it sees everything. Read for every use.'),
  kubernetes: object({
    audiences: z
      .array(z.string().min(1))
      .optional()
      .describe('Audiences a token may be for; those of the API server when absent.'),
  })
    .optional()
    .describe('People sign in with a token of the cluster, which says by its RBAC what they see.'),
  proxy: object({
    userHeader: header('x-forwarded-user').describe('Header with the name of the user.'),
    groupsHeader: header('x-forwarded-groups').describe('Header with the groups, with commas between them.'),
  })
    .optional()
    .describe(
      'A proxy among trustedProxies has signed people in, and the RBAC of the cluster says what they see.',
    ),
}).superRefine((it, ctx) => {
  const given = KINDS.filter((kind) => it[kind] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.join(' and ');
    ctx.addIssue({ code: 'custom', message: `needs one of ${KINDS.join(', ')}, found ${found}` });
  }
});

export const PageAccessSchema = object({
  port: int(1).max(65_535).optional().describe('A port of its own; that of http when absent.'),
  host: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Address of the port of its own; this machine alone when absent, which kubectl port-forward reaches.',
    ),
  hosts: z
    .array(z.string().regex(/^[a-z0-9.-]{1,253}$/i, 'expected a name without a port'))
    .default([])
    .describe('Names browsers reach it by, such as that of an Ingress; all others are refused.'),
  auth: PageAuth.optional().describe('Who may look; required unless it listens on this machine alone.'),
}).superRefine(({ host, port }, ctx) => {
  if (host !== undefined && port === undefined)
    ctx.addIssue({
      code: 'custom',
      path: ['host'],
      message: 'needs page.port; on the port of http, http.host holds',
    });
});

export type PageAccess = z.infer<typeof PageAccessSchema>;

/** What of `http` has a say in who may look. */
interface Listening {
  host?: string | undefined;
  page?: PageAccess | undefined;
  trustedProxies: readonly string[];
}

/** Whether only this machine can reach what listens there. */
function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

/** Who may look is decided by the address the page is served at. */
export function pageFlaws({ host, page, trustedProxies }: Listening): Flaw[] {
  if (!page) return [];
  const { auth } = page;
  const at = page.port === undefined ? host : (page.host ?? LOOPBACK);
  if (auth?.proxy && trustedProxies.length === 0) {
    const message =
      'must name the proxy that signs people in for http.page.auth.proxy; else anybody could say who they are';
    return [{ path: ['trustedProxies'], message }];
  }
  if (auth || (isLoopback(at) && page.hosts.length === 0)) return [];
  const where = isLoopback(at)
    ? `is required: with hosts (${page.hosts.join(', ')}) something passes calls of others on to it`
    : `is required: the page is served at ${at ?? 'all addresses'}, where not only this machine reaches it`;
  return [
    {
      path: ['page', 'auth'],
      message: `${where}; name one of ${KINDS.join(', ')}, or let it listen on this machine alone, for kubectl port-forward (page.port: 8081)`,
    },
  ];
}
