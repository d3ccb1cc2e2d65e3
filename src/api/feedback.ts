import { z } from 'zod';
import { object } from './schema.ts';
import { trimEnd } from './trim.ts';

const PUBLIC = { github: 'https://api.github.com', gitlab: 'https://gitlab.com/api/v4', gitea: undefined };

/** Git hosts that are spoken with; what differs between them is a map or a switch over these, which does not compile without one. */
export const PROVIDERS = ['github', 'gitlab', 'gitea'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Where a run's state is told on the Git host. */
export const FeedbackSchema = object({
  provider: z.enum(PROVIDERS).describe('Which host it is.'),
  apiUrl: z
    .url({ protocol: /^https?$/, error: 'expected an http or https address' })
    .transform((text) => trimEnd(text, '/'))
    .optional()
    .describe(
      'The REST API, with /api/v3 (GitHub Enterprise), /api/v4 (GitLab) or /api/v1 (Gitea); that of github.com or gitlab.com when absent.',
    ),
  project: z
    .string()
    .regex(/^(\d+|[^/\s]+(\/[^/\s]+)+)$/, 'expected <owner>/<name>')
    .describe('The repository on the host: <owner>/<name>, on GitLab also deeper, or its number.'),
  tokenFile: z
    .string()
    .min(1, 'must not be empty')
    .describe('File with a token that may set commit statuses and write comments, read for every use.'),
  context: z
    .string()
    .min(1)
    .max(60)
    .default('nodeop-agent')
    .describe('What statuses begin with; cluster and run are added.'),
  comment: z.boolean().default(true).describe('Keep a comment on the pull request that brought the run.'),
}).superRefine((it, ctx) => {
  if (it.provider === 'gitea' && it.apiUrl === undefined) {
    ctx.addIssue({ code: 'custom', path: ['apiUrl'], message: 'is required for gitea' });
  }
  if (it.provider !== 'gitlab' && !/^[^/]+\/[^/]+$/.test(it.project)) {
    ctx.addIssue({ code: 'custom', path: ['project'], message: 'expected <owner>/<name>' });
  }
  if (it.apiUrl?.startsWith('http:') === true && !isSafeUrl(it.apiUrl)) {
    ctx.addIssue({
      code: 'custom',
      path: ['apiUrl'],
      message: 'must be https: the token would be readable on its way',
    });
  }
});
export type Feedback = z.infer<typeof FeedbackSchema>;

/** The address to ask, the public one of the provider when none is given. */
export function apiUrlOf({
  provider,
  apiUrl,
}: {
  provider: Feedback['provider'];
  apiUrl?: string | undefined;
}): string {
  return apiUrl ?? PUBLIC[provider] ?? '';
}

/** Whether a token may be sent there: by TLS, or not over any network. */
export function isSafeUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
