import { z } from 'zod';
import { hmac, sameSecret } from '../secret.ts';
import { branchOf, header, type Provider } from './provider.ts';

const Push = z.object({
  ref: z.string(),
  repository: z.object({ full_name: z.string(), clone_url: z.string().optional() }),
});

/** GitHub and GitHub Enterprise: hex HMAC-SHA256 of the body, as documented under "Validating webhook deliveries". */
export const github: Provider = {
  verify: ({ headers, body }, secret) =>
    sameSecret(
      header(headers, 'x-hub-signature-256') ?? '',
      `sha256=${hmac(secret, [body]).toString('hex')}`,
    ),
  push: (payload, headers) => {
    if (header(headers, 'x-github-event') !== 'push') return undefined;
    const { ref, repository } = Push.parse(payload);
    return { repository: [repository.full_name, repository.clone_url], branches: branchOf(ref) };
  },
};
