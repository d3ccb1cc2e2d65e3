import { z } from 'zod';
import { hmac, sameSecret } from '../secret.ts';
import { branchOf, header, type Provider } from './provider.ts';

const Push = z.object({
  ref: z.string(),
  repository: z.object({ full_name: z.string(), clone_url: z.string().optional() }),
});

/** Gitea and Forgejo: hex HMAC-SHA256 of the body, without a prefix. */
export const gitea: Provider = {
  verify: ({ headers, body }, secret) =>
    sameSecret(header(headers, 'x-gitea-signature') ?? '', hmac(secret, [body]).toString('hex')),
  push: (payload, headers) => {
    if (header(headers, 'x-gitea-event') !== 'push') return undefined;
    const { ref, repository } = Push.parse(payload);
    return { repository: [repository.full_name, repository.clone_url], branches: branchOf(ref) };
  },
};
